"""What a reader sees of a report that lies on a disk: opens it as a file, on a desk and on a phone.

uv run python -m tests.browser.report_pages REPORT FOLDER
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import BrowserContext, Page, sync_playwright

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
BROKEN = "images => images.filter(one => !one.naturalWidth).map(one => one.alt || one.src.slice(0, 80))"
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WORDLESS = "images => images.filter(one => !(one.className ? one.alt : one.hasAttribute('alt'))).length"
"""A thumbnail beside its title needs none; a figure does."""
PATIENCE_MS = 60_000


@dataclass
class Visit:
    """A page as a reader has it, and what went wrong on it."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def open(self, file: Path, picture: Path) -> None:
        """Leaves a picture of the whole page; what is wrong is kept, with where it was."""
        self.page.goto(file.resolve().as_uri())
        where = f"{file} at {self.page.viewport_size['width']} px"  # type: ignore[index]
        self.wrong += [f"{where}: picture {one}" for one in self.page.locator("img").evaluate_all(BROKEN)]
        if wordless := self.page.locator("img").evaluate_all(WORDLESS):
            self.wrong.append(f"{where}: {wordless} pictures without words")
        if (over := self.page.evaluate(OVER)) > 0:
            self.wrong.append(f"{where}: {over} px wider than the window")
        self.page.screenshot(path=picture)

    def links(self) -> list[Path]:
        """Files that the page leads to; what leads nowhere, or outside, is kept as wrong."""
        here = self.page.url
        found = self.page.locator("a[href]").evaluate_all("links => links.map(one => one.href)")
        ids = set(self.page.locator("[id]").evaluate_all("all => all.map(one => one.id)"))
        files = []
        for link in dict.fromkeys(found):
            parts = urlsplit(link)
            path = Path(unquote(parts.path))
            if parts.scheme != "file" or not path.exists():
                self.wrong.append(f"{here}: {link} leads nowhere")
            elif link.startswith(f"{here}#") and parts.fragment not in ids:
                self.wrong.append(f"{here}: there is no #{parts.fragment}")
            else:
                files.append(path)
        return files


@contextmanager
def visitor(context: BrowserContext) -> Iterator[Visit]:
    visit = Visit(page := context.new_page())
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda said: said.type == "error" and visit.wrong.append(f"{page.url}: {said.text}"))
    page.on("pageerror", lambda error: visit.wrong.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda asked: (
            urlsplit(asked.url).scheme in ("file", "data")
            or visit.wrong.append(f"{page.url} asks {asked.url}")
        ),
    )
    yield visit
    page.close()


def look(report: Path, browser: str, folder: Path, runs: int = 3) -> list[str]:
    """What a reader would stumble over: on the report, on pages of some of its runs, on its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    wrong = []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for name, size in (("desk", DESK), ("phone", PHONE)):
            context = chromium.new_context(viewport=size)  # type: ignore[arg-type]
            with visitor(context) as visit:
                visit.open(report / "index.html", folder / f"{name}-index.png")
                linked = visit.links()
                visit.wrong += _searched(visit.page, folder / f"{name}-search.png")
                pages = [path for path in linked if "runs" in path.parts]
                for n, page in enumerate(_spread(pages, runs)):
                    visit.open(page, folder / f"{name}-run-{n}.png")
                    visit.links()
                for figure in (path for path in linked if path.suffix == ".svg"):
                    visit.page.goto(figure.as_uri())
                    visit.page.screenshot(path=folder / f"{name}-{figure.stem}.png")
                wrong += visit.wrong
        chromium.close()
    return wrong


def two_clicks(report: Path, browser: str) -> tuple[str, str]:
    """From a cell's run to its page, and from there to the command; what is clicked, and what is read."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport=DESK)  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        page.goto((report / "index.html").resolve().as_uri())
        page.locator("td a[href*='runs/']").first.click()
        run = page.url
        command = page.get_by_text("uv run snakemake").first.inner_text()
        chromium.close()
    return run, command


def _searched(page: Page, picture: Path) -> list[str]:
    """Whether a word leaves what has it, and nothing else."""
    sections = page.locator("section")
    title = sections.last.locator("h2").inner_text()
    page.locator("#search").fill(title)
    left = [one.locator("h2").inner_text() for one in sections.all() if one.is_visible()]
    page.screenshot(path=picture)
    page.locator("#search").fill("")
    found = [] if title in left and len(left) < sections.count() else [f"{page.url}: {title} leaves {left}"]
    return found if sections.first.is_visible() else [*found, f"{page.url}: an empty search hides something"]


def _spread(pages: list[Path], n: int) -> list[Path]:
    """Evenly, from the first to the last."""
    pages = sorted(set(pages))
    return [pages[k * (len(pages) - 1) // (n - 1)] for k in range(n)]


if __name__ == "__main__":
    print(*look(Path(sys.argv[1]), shutil.which("chromium") or "chromium", Path(sys.argv[2])), sep="\n")
