"""The page of all tables and figures: all is on it, whatever it is called, and every link leads somewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from sdetr.report.index import make_index
from sdetr.report.written import as_html
from tests.report.conftest import Tree
from tests.report.test_figure import curve
from tests.report.test_figure import make as make_figure_of

OUT = Path("reports/demo/index.html")


class Page(HTMLParser):
    """Links, pictures and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.add(tag)
        self.links += [href] if tag == "a" and (href := said.get("href")) else []
        self.pictures += [said] if tag == "img" else []
        self.ids += [found] if (found := said.get("id")) else []


@pytest.fixture
def report(tree: Tree) -> Page:
    """One table and one figure, of which some things are called as nobody should call them."""
    run = tree.run("swav_r50", 0, AP=20.0, AP50=30.0)
    tree.settings["cells"] = {"scratch": {"big": [run]}}
    tree.settings["table"]["title"] = "Toy <script>alert(1)</script> table"
    tree.make()
    page = Path(run["run"].replace("data/demo", "reports/demo/runs") + ".html")
    page.parent.mkdir(parents=True)
    page.write_text("the run")
    curve(run, (0, 1.0), (50, 20.0))
    tree.settings["cells"] = {}
    make_figure_of(tree, {"scratch": {"points": [[run]], "label": '"><b>scratch'}})
    return made()


def made(**changes: object) -> Page:
    said = {"stage": "index", "recipe": 1, "scale": "demo", "compares": False}
    said |= {"tables": ["toy"], "figures": ["toy"], **changes}
    Path("index.yaml").write_text(yaml.safe_dump(said))
    make_index(Path("index.yaml"), OUT)
    return Page(OUT.read_text())


def test_every_link_leads_to_a_file_or_a_place_on_the_page_and_none_outside(report: Page) -> None:
    assert len(report.links) > 10
    for link in report.links:
        parts = urlsplit(link)
        assert not parts.scheme and not parts.netloc, link
        if parts.path:
            assert (OUT.parent / unquote(parts.path)).exists(), link
        else:
            assert parts.fragment in report.ids, link


def test_names_are_text_and_pictures_have_words(report: Page) -> None:
    text = OUT.read_text()
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<b>scratch" not in text
    drawn = [picture for picture in report.pictures if "class" in picture]
    assert len(drawn) == 1 and "from 1 at 0 to 20 at 50" in (drawn[0]["alt"] or "")
    assert all((picture["src"] or "").startswith("data:image/") for picture in report.pictures)
    assert "alt" in report.pictures[0]


def test_what_is_not_to_be_compared_says_so(report: Page) -> None:
    warning = "Nothing on this page compares with a paper"
    assert warning in OUT.read_text() and warning in OUT.with_suffix(".md").read_text()
    made(compares=True)
    assert f'<p class="warning">{warning}' not in OUT.read_text()


def test_the_same_in_markdown_for_those_who_read_it_where_it_lies(report: Page) -> None:
    text = OUT.with_suffix(".md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert {"tables/toy.md", "figures/toy.png", "figures/toy.csv"} <= set(links)
    assert all((OUT.parent / link).exists() for link in links)


def test_whatever_changes_one_page_changes_the_other(report: Page) -> None:
    """As DVC leaves a file alone that is right already, and Snakemake then takes both for old."""
    before = OUT.with_suffix(".md").read_bytes()
    table = Path("reports/demo/tables/toy.md")
    table.write_text(table.read_text().replace("20.0", "21.0"))
    made()
    assert OUT.with_suffix(".md").read_bytes() != before


def test_a_report_without_figures_and_the_digest_of_its_settings(report: Page) -> None:
    from sdetr.files import sha256

    page = made(figures=[])
    assert not page.pictures and "table-toy" in page.ids
    assert sha256(Path("index.yaml")) in OUT.read_text()
    with pytest.raises(FileNotFoundError, match=r"other\.md"):
        made(tables=["other"])


def test_a_tables_links_are_seen_from_where_the_report_lies() -> None:
    text = "# A *title*\n\n### Part\n\n| a |\n| - |\n| [x](../runs/x~y.html) ~~1~~ |\n\n"
    text += "[out](https://example.org) <b>no</b>\n"
    title, shown = as_html(text, "tables")
    assert title == "A title"
    assert 'href="runs/x~y.html"' in shown and 'href="https://example.org"' in shown
    assert "<h4>Part</h4>" in shown and "<s>1</s>" in shown and "<b>" not in shown and "&lt;b&gt;" in shown
    assert shown.count('<div class="wide"><table>') == shown.count("</table></div>") == 1
