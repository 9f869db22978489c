"""What of a data set is not there is downloaded, checked and unpacked; what is there is left alone."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from sdetr.data.fetching.adopt import adopt
from sdetr.data.fetching.alone import alone
from sdetr.data.fetching.download import receive
from sdetr.data.fetching.layout import Need
from sdetr.data.fetching.remote import Remote
from sdetr.data.fetching.room import enough_room
from sdetr.data.fetching.settings import ArchiveSettings
from sdetr.data.fetching.survey import lacking, survey
from sdetr.data.fetching.unpack import unpack
from sdetr.data.settings import DatasetSettings, of_each
from sdetr.files import written_whole

log = logging.getLogger(__name__)


def fetch(settings: DatasetSettings, name: str, raw: Path, keep_archives: bool = False) -> int:
    """Completes `raw/<name>/`; archives pass through `raw/downloads/`. Returns the number of images.

    OSError or ValueError, with what to do, when something cannot be had, or is not what it should be.
    """
    folder = raw / name

    def at(need: Need) -> Path:
        return folder / need.path

    with alone(folder, wait=False):
        if missing := lacking(settings, at):
            wanted = _wanted(settings, name, folder, missing)
            _enough_room(wanted, folder, keep_archives)
            for archive in wanted:
                _refuse_linked(folder, archive.into)
                _land(archive, folder / archive.into, raw / "downloads", keep_archives)
        try:
            return survey(settings, at)
        except (FileNotFoundError, ValueError) as error:
            raise ValueError(f"{error}; remove what is incomplete and fetch {name} again") from error


def link(settings: DatasetSettings, name: str, raw: Path, given: Sequence[Path]) -> int:
    """Links `raw/<name>/…` to what the given folders hold. Returns the number of images."""
    with alone(raw / name, wait=False):
        try:
            links, images = adopt(settings, raw / name, given)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}; {_where_to_get(settings, name)}") from error
    for path, place in links.items():
        log.info("%s → %s", path, place)
    return images


def _wanted(
    settings: DatasetSettings, name: str, folder: Path, missing: Sequence[Need]
) -> list[ArchiveSettings]:
    """Archives that are not there, of which each missing file or folder will come."""
    every = list(_archives(settings))
    for need in missing:
        path = PurePosixPath(need.path)
        if not every:
            to_do = f"{_where_to_get(settings, name)}, then `sdetr fetch {name} --from FOLDER`"
            raise FileNotFoundError(f"no {need.what} {folder / path}; {to_do}")
        bearing = [one for one in every if _share(path, PurePosixPath(one.into))]
        if not bearing:
            raise ValueError(f"fetch: no archive lands at {path}, the {need.what} that is missing")
        landed = [folder / one.into for one in bearing]
        if all(place.exists() for place in landed):
            there = f"though {landed[0]} is there; remove it and fetch {name} again"
            raise FileNotFoundError(f"no {need.what} {folder / path}, {there}")
    return [one for one in every if not folder.joinpath(one.into).exists()]


def _archives(settings: DatasetSettings) -> Iterator[ArchiveSettings]:
    """Those that there is one of for each class, one by one."""
    names, in_urls = settings.classes, [quote(name) for name in settings.classes]
    for one in settings.fetch:
        for url, into in zip(of_each(one.url, in_urls), of_each(one.into, names), strict=True):
            yield one.model_copy(update={"url": url, "into": into})


def _share(one: PurePosixPath, other: PurePosixPath) -> bool:
    """Whether one holds the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _where_to_get(settings: DatasetSettings, name: str) -> str:
    if settings.fetch:
        addresses = " and ".join(archive.url for archive in settings.fetch)
        return f"`sdetr fetch {name}` alone downloads it, from {addresses}"
    return settings.ask or f"no address of it is known; say one as `fetch:` in params/datasets/{name}.yaml"


def _enough_room(archives: Sequence[ArchiveSettings], folder: Path, keep: bool) -> None:
    """For what the settings tell; what they do not is asked again when a server or an archive says it."""
    sizes = [archive.bytes or 0 for archive in archives]
    landed = sum(archive.unpacked_bytes or archive.bytes or 0 for archive in archives)
    enough_room(folder, landed + (sum(sizes) if keep else max(sizes)), f"fetching {folder.name}")


def _refuse_linked(folder: Path, into: str) -> None:
    """What a link leads to belongs to somebody else, who was promised that nothing is written there."""
    for place in [*PurePosixPath(into).parents][-2::-1]:
        if (link := folder / place).is_symlink():
            raise FileExistsError(
                f"{into} is missing, but {link} is a link to {link.readlink()}, where nothing is written; "
                "put it there, or remove the link"
            )


def _land(archive: ArchiveSettings, target: Path, downloads: Path, keep: bool) -> None:
    if target.is_symlink():
        raise FileExistsError(f"{target} is a link to {target.readlink()}, which is not there; remove it")
    remote = Remote(archive.url, archive.sha256 or "", archive.md5 or "", archive.bytes)
    path = remote.below(downloads)
    with alone(path, wait=True):  # another data set may have use for the same file
        log.info("%s: fetching %s", PurePosixPath(archive.into), path.name)
        receive(remote, path)
        if archive.unpack:
            unpack(path, archive.take, target, archive.unpacked_bytes)
        else:
            with written_whole(target) as temporary:
                shutil.copyfile(path, temporary)
        if not keep:
            path.unlink()
