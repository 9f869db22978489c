"""Images that somebody named on the command line, and a name for what is made of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdetr.data.readers.folder import SUFFIXES


@dataclass(frozen=True)
class Picked:
    """One image file."""

    path: Path
    name: Path
    """Of things made of it: its place in the folder that was named, without suffix where that is clear."""


def pick(named: Sequence[Path]) -> list[Picked]:
    """Files as they are, folders with all images in them, each file once.

    Raises FileNotFoundError for what is not there, ValueError where two would be called the same.
    """
    found: dict[Path, Path] = {}
    for place in named:
        for path, name in _inside(place):
            found.setdefault(path.resolve(), name)
    stems = Counter(name.with_suffix("") for name in found.values())
    picked = [
        Picked(path, name.with_suffix("") if stems[name.with_suffix("")] == 1 else name)
        for path, name in found.items()
    ]
    by_name: dict[Path, Path] = {}
    for one in picked:
        if one.name in by_name:
            both = f"{by_name[one.name]} and {one.path}"
            raise ValueError(f"{both} would both be called {one.name}; name them in two calls")
        by_name[one.name] = one.path
    return picked


def _inside(place: Path) -> list[tuple[Path, Path]]:
    """Path, and place in what was named."""
    if place.is_file():
        return [(place, Path(place.name))]
    if not place.is_dir():
        raise FileNotFoundError(f"no image and no folder {place}")
    files = [p for p in sorted(place.rglob("*")) if p.suffix.lower() in SUFFIXES and p.is_file()]
    if not files:
        raise ValueError(f"no image in {place}; looked for {' '.join(sorted(SUFFIXES))}")
    return [(path, path.relative_to(place)) for path in files]
