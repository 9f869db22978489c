"""A data set that is on this machine already: linked to where readers look, never copied nor written to."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from sdetr.data.fetching.layout import Need, parts
from sdetr.data.fetching.survey import survey
from sdetr.data.readers.places import holds
from sdetr.data.settings import DatasetSettings


def adopt(settings: DatasetSettings, folder: Path, given: Sequence[Path]) -> tuple[dict[Path, Path], int]:
    """Links below `folder` → what of the given folders they lead to, and the number of images.

    Raises FileNotFoundError or ValueError, before anything is linked, naming what is missing and what is
    there instead.
    """
    places = [_folder(path, folder) for path in given]
    wanted = parts(settings)
    found = {part: _find(part, inside, places, alone=len(wanted) == 1) for part, inside in wanted.items()}
    links = {folder / part: place for part, place in found.items()}
    for link, place in links.items():
        _refuse_occupied(link, place)
    images = survey(settings, lambda need: _at(need, folder, found))
    for link, place in links.items():
        if not _leads_to(link, place):
            link.unlink(missing_ok=True)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(place)
    return links, images


def _folder(path: Path, own: Path) -> Path:
    absolute = Path(os.path.normpath(path.absolute()))  # links keep their names
    if not absolute.is_dir():
        what = "is a file; unpack it and give the folder" if absolute.exists() else "does not exist"
        raise FileNotFoundError(f"--from {path}: {absolute} {what}")
    if absolute.resolve().is_relative_to(own.resolve()):
        raise ValueError(
            f"--from {path}: {absolute} is where the links would lie; give the folder they lead to"
        )
    return absolute


def _find(part: str, inside: list[str], places: Sequence[Path], alone: bool) -> Path:
    """The first candidate that has all that is needed."""
    near = ""
    for place in places:
        for candidate in _candidates(place, part, alone):
            absent = [need for need in inside if not (candidate / need).exists()]
            if candidate.exists() and not absent:
                return candidate
            if candidate.is_dir() and candidate.name == PurePosixPath(part).name and not near:
                near = f"; {candidate} has no {absent[0]}, it holds {holds(candidate / absent[0])}"
    where = "; ".join(f"{place} holds {holds(place / '_')}" for place in places)
    raise FileNotFoundError(f"no {part} in, above or one level below the folders given: {where}{near}")


def _candidates(place: Path, part: str, alone: bool) -> Iterator[Path]:
    """`part` and ends of it in the folder, one level below, in its place, and one level above.

    A folder of another name can be meant only where there is nothing else that it could be.
    """
    names = PurePosixPath(part).parts
    ends = [Path(*names[start:]) for start in range(len(names))]
    yield from (place / end for end in ends)
    yield from (below / end for below in sorted(place.iterdir()) if below.is_dir() for end in ends)
    if alone or place.name == names[-1]:
        yield place
    if place.parent.name == names[-1]:
        yield place.parent
    yield from (place.parent / end for end in ends)


def _refuse_occupied(link: Path, place: Path) -> None:
    if link.exists() and not _leads_to(link, place):
        what = f"is a link to {link.resolve()}" if link.is_symlink() else "is there already"
        raise FileExistsError(f"{link} {what}; remove it first if {place} shall take its place")


def _leads_to(link: Path, place: Path) -> bool:
    return link.exists() and link.samefile(place)


def _at(need: Need, folder: Path, found: Mapping[str, Path]) -> Path:
    """Where it lies now, before anything is linked."""
    path = PurePosixPath(need.path)
    for part, place in found.items():
        if path.is_relative_to(part):
            return place / path.relative_to(part)
    return folder / path  # of an absolute root
