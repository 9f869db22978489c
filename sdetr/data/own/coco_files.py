"""Which image file a row of a COCO file means; exports name images by paths of the machine they came from."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sdetr.data.own.files import images_below
from sdetr.data.own.findings import Findings
from sdetr.data.own.settings import OwnSettings


class Named(NamedTuple):
    """A row's id, and what it calls its image."""

    key: object
    name: str


def files_of_rows(
    rows: Sequence[Named], settings: OwnSettings, root: Path, file: str, findings: Findings
) -> Iterator[str | None]:
    """Of each row the image below the root, or None, which is told.

    By its whole name; else by the end of its path, if no row has that image by its whole name. Two rows of
    one image are told, and have none.
    """
    folder = root / settings.images
    below = (root / image for image in images_below(folder, root, findings, alone=False))
    there = {path.relative_to(folder).as_posix(): path.relative_to(root).as_posix() for path in below}
    names = ["/".join(_words(row.name)) for row in rows]
    found = _meant(names, list(there))
    claims = Counter(some[0] for some in found if len(some) == 1)
    for row, some in zip(rows, found, strict=True):
        where = f"image {row.key}"
        if not some:
            findings.add("D12", file, where, row.name)
        elif len(some) > 1:
            told = ", ".join(there[name] for name in some)
            findings.add("D14", file, where, f"{row.name!r} may be any of {told}")
        elif claims[some[0]] > 1:
            told = f"{row.name!r} is {there[some[0]]!r}, as {claims[some[0]]} images of the file are"
            findings.add("D14", file, where, told)
        elif not there[some[0]].endswith(row.name):
            findings.add("D11", file, where, f"{row.name!r} is {there[some[0]]!r}")
        yield there[some[0]] if len(some) == 1 and claims[some[0]] == 1 else None


def _meant(names: Sequence[str], there: Sequence[str]) -> list[list[str]]:
    """Of each name the images that it may mean."""
    exact = set(names) & set(there)
    by_last = defaultdict(list)
    for one in there:
        if one not in exact:
            by_last[PurePosixPath(one).name].append(one)
    return [
        [name]
        if name in exact
        else [one for one in by_last[PurePosixPath(name).name] if _same_end(_words(name), _words(one))]
        for name in names
    ]


def _same_end(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the longer path ends with the shorter: cam1/0.jpg is never cam2/0.jpg."""
    least = min(len(one), len(other))
    return one[-least:] == other[-least:]


def _words(name: str) -> tuple[str, ...]:
    return tuple(
        word for word in PurePosixPath(name.replace("\\", "/")).parts if word not in ("/", ".", "..")
    )
