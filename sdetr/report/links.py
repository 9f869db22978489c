"""Links between pages, tables and run folders: relative, so that a tree can be copied anywhere."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sdetr.report.markup import Markup, code, tag


def page_of(run: Path | str) -> str:
    """Run folder `data/<scale>/<run>` → its page, both from the root; its record where nothing is trained."""
    if not trains(run):
        return f"{Path(run).as_posix()}/run.json"
    _, scale, *words = Path(run).parts
    return f"reports/{scale}/runs/{'/'.join(words)}.html"


def trains(run: Path | str) -> bool:
    """Whether a run folder has a curve and a page: all but those of `evaluate/` and `bench/`."""
    return Path(run).parts[2] not in ("evaluate", "bench")


def takes_steps(run: Path | str) -> bool:
    """Whether a run folder tells of a few steps of a pretraining, and of no detector: those of `bench/`."""
    return Path(run).parts[2] == "bench"


def run_that_made(file: Path | str) -> Path | None:
    """The run folder that a file lies in; None for files that other stages make."""
    folder = Path(os.path.relpath(file)).parent
    return folder if folder.parts[2:3] in (("pretrain",), ("finetune",)) else None


def address(target: Path | str, folder: Path, fragment: str = "") -> str:
    """What a file in `folder` writes to point to `target`."""
    path = quote(Path(os.path.relpath(target, folder)).as_posix(), safe="/~+")
    return f"{path}#{quote(fragment, safe='/~+')}" if fragment else path


@dataclass(frozen=True)
class Links:
    """Links from one page."""

    folder: Path
    """Where the page lies."""

    def to(self, target: Path | str, words: str, fragment: str = "") -> Markup:
        return tag("a", words, href=address(target, self.folder, fragment))

    def file(self, target: Path | str) -> Markup:
        """A file by its path from the root."""
        return self.to(target, code(Path(os.path.relpath(target)).as_posix()))

    def run(self, run: Path | str) -> Markup:
        """The page of a run folder."""
        return self.to(page_of(run), code("/".join(Path(run).parts[2:])))
