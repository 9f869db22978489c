"""The report of a scale: all its tables and figures on one page, which needs no server and no other file."""

import json
import logging
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from sdetr.files import sha256, write_text
from sdetr.report.index_settings import IndexRun
from sdetr.report.links import Links
from sdetr.report.markup import Markup, folded, paragraph, tag, together
from sdetr.report.notes import stands_for
from sdetr.report.run_page import MADE_FROM, STYLE
from sdetr.report.written import as_html
from sdetr.settings_file import load

log = logging.getLogger(__name__)

THUMBNAIL_PX = (240, 180)
OWN = Path(__file__)
WARNING = "Nothing on this page compares with a paper: scale {} has other data and smaller models."


@dataclass(frozen=True)
class Entry:
    """A table or a figure: where it stands on the page, and what is there."""

    anchor: str
    title: str
    shown: Markup
    thumbnail: str = ""  # the data of a small picture


def make_index(settings: Path, out: Path) -> None:
    """An IndexRun → `out` (.html) and .md beside it; tables and figures lie in folders beside it.

    Raises SettingsError, or FileNotFoundError naming the table or figure that is missing.
    """
    run, home = load(IndexRun, settings), out.parent
    tables = [_table(home, name) for name in run.tables]
    figures = [_figure(home, name) for name in run.figures]
    write_text(out, _document(run, figures, tables, sha256(settings)))
    # Its own digest beside it: two outputs of which one alone changed would look half old to engines.
    write_text(out.with_suffix(".md"), f"{_markdown(run, home)}\n<!-- {out.name}: sha256 {sha256(out)} -->\n")
    log.info("%s: %d tables, %d figures", out, len(tables), len(figures))


def _table(home: Path, name: str) -> Entry:
    """As its own page has it; links are those of the report's folder."""
    text = (home / "tables" / f"{name}.md").read_text(encoding="utf-8")
    title, shown = as_html(text, "tables")
    files = [tag("a", kind, href=f"tables/{name}.{kind}") for kind in ("md", "csv", "json")]
    return Entry(f"table-{name}", title, together([shown, paragraph("Files: ", *_spaced(files))]))


def _figure(home: Path, name: str) -> Entry:
    said = json.loads((home / "figures" / f"{name}.json").read_bytes())
    drawn = b64encode((home / "figures" / f"{name}.svg").read_bytes()).decode()
    picture = tag("img", src=f"data:image/svg+xml;base64,{drawn}", alt=said["words"], class_="drawn")
    files = [tag("a", kind, href=f"figures/{name}.{kind}") for kind in ("png", "svg", "csv", "json")]
    runs = dict.fromkeys(run for panel in said["runs"].values() for line in panel.values() for run in line)
    pages = tag("ul", *(tag("li", Links(home).run(run)) for run in runs))
    behind = folded(f"the {len(runs)} runs that are drawn", pages)
    stands = [tag("small", told)] if (told := stands_for(said["stands"], mark="")) else []
    caption = tag("figcaption", said["caption"], tag("small", said["source"]), *stands)
    shown = [tag("figure", picture, caption), paragraph("Numbers and pictures: ", *_spaced(files)), behind]
    return Entry(
        f"figure-{name}", said["title"], together(shown), _thumbnail(home / "figures" / f"{name}.png")
    )


def _thumbnail(path: Path) -> str:
    with Image.open(path) as picture:
        small = picture.convert("RGB")
        small.thumbnail(THUMBNAIL_PX)
        file = BytesIO()
        small.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"


def _spaced(parts: list[Markup]) -> list[str]:
    return [piece for part in parts for piece in (part, " ")][:-1]


def _document(run: IndexRun, figures: list[Entry], tables: list[Entry], made_from: str) -> str:
    title = f"Tables and figures ({run.scale})"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name=MADE_FROM, content=made_from),
        tag("title", title),
        tag(
            "style", *(Markup(path.read_text(encoding="utf-8")) for path in (STYLE, OWN.with_suffix(".css")))
        ),
    )
    warning = [] if run.compares else [tag("p", WARNING.format(run.scale), class_="warning")]
    body = tag(
        "main",
        tag("h1", title),
        *warning,
        tag(
            "input", type="search", id="search", placeholder="search tables and figures", aria_label="search"
        ),
        *([tag("nav", *map(_leading, figures), aria_label="figures")] if figures else []),
        *([tag("nav", *map(_leading, tables), aria_label="tables")] if tables else []),
        *map(_section, [*tables, *figures]),
        tag("script", Markup(OWN.with_suffix(".js").read_text(encoding="utf-8"))),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _section(entry: Entry) -> Markup:
    return tag("section", tag("h2", entry.title), entry.shown, id=entry.anchor)


def _leading(entry: Entry) -> Markup:
    small = [tag("img", src=entry.thumbnail, alt="")] if entry.thumbnail else []
    return tag("a", *small, tag("span", entry.title), href=f"#{entry.anchor}")


def _markdown(run: IndexRun, home: Path) -> str:
    """For those who read it where it lies, as on a forge."""
    lines = [f"# Tables and figures ({run.scale})", ""]
    lines += [] if run.compares else [f"**{WARNING.format(run.scale)}**", ""]
    for name in run.tables:
        title, _ = as_html((home / "tables" / f"{name}.md").read_text(encoding="utf-8"), "tables")
        lines.append(f"- [{title}](tables/{name}.md)")
    for name in run.figures:
        said = json.loads((home / "figures" / f"{name}.json").read_bytes())
        words = said["words"].replace("]", r"\]").replace("[", r"\[")
        lines += ["", f"## {said['title']}", "", f"![{words}](figures/{name}.png)", "", said["caption"]]
        lines += ["", f"{said['source']}. Numbers: [csv](figures/{name}.csv)."]
        lines += ["", told] if (told := stands_for(said["stands"])) else []
    return "\n".join(lines) + "\n"
