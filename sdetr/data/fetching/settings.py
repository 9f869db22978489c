"""Where the archives of a data set are. It decides no result: no stage's settings file contains it."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from sdetr.config.base import Count, Settings


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise ValueError(f"found {path!r}, expected a path below the folder, without `..`")
    return path


Inside = Annotated[str, AfterValidator(_inside)]


class ArchiveSettings(Settings):
    """One file of the web, and where it lands; `{class}` in both: one for each class of the data set."""

    url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/\S+$")]
    into: Inside
    """Where it lands, below `data/raw/<data set>/`; what is there is not fetched again."""
    take: Inside | None = None
    """Folder or file in the archive that lands there; unset: all of it."""
    unpack: bool = True
    """Whether it is an archive, tar or zip, and not itself the file."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    bytes: Count | None = None
    """Of the file itself."""
    unpacked_bytes: Count | None = None
    """Most that it may unpack to; unset: thirty times its own size."""


def _apart(archives: tuple[ArchiveSettings, ...]) -> tuple[ArchiveSettings, ...]:
    places = [PurePosixPath(archive.into) for archive in archives]
    for number, place in enumerate(places):
        for other in places[:number]:
            if place.is_relative_to(other) or other.is_relative_to(place):
                raise ValueError(f"found {other} and {place}, expected places of which none holds another")
    return archives


Archives = Annotated[tuple[ArchiveSettings, ...], Field(strict=False), AfterValidator(_apart)]
