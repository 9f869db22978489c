"""What is in a tar or a zip, by the law that every archive has to keep before anything of it is written."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

MOST_MEMBERS = 2_000_000
"""ImageNet has 1.3 million."""
USUAL_RATIO = 30
"""Annotations shrink to a fourth; what shrinks to a thousandth is a bomb."""


@dataclass(frozen=True)
class Member:
    """One entry of an archive, as it says of itself."""

    name: str
    kind: str
    """file, folder, or what is never unpacked."""
    size_bytes: int
    open: Callable[[], IO[bytes]]

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)


@contextmanager
def opened(archive: Path) -> Iterator[Iterator[Member]]:
    """The members of a tar or zip. ValueError if it is neither, or is damaged."""
    with archive.open("rb") as file:
        is_tar = _is_tar(file)
    try:
        if is_tar:
            with tarfile.open(archive, "r:") as tar:
                yield _of_tar(tar)
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield _of_zip(packed)
        else:
            raise ValueError(f"{archive} is neither a tar nor a zip; unpack it yourself and use `--from`")
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(f"{archive} is damaged ({error}); remove it and fetch it again") from error


def lawful(members: Iterable[Member], archive: Path, most_bytes: int | None) -> list[Member]:
    """All members. ValueError for one that leads out, is no file or folder, or is one too many."""
    most = most_bytes or USUAL_RATIO * archive.stat().st_size
    total, kept, files = 0, [], set[PurePosixPath]()
    for member in members:
        if fault := _fault(member):
            raise ValueError(f"{archive} holds {member.name!r}, which {fault}; nothing of it was unpacked")
        if member.path in files:
            raise ValueError(f"{archive} holds {member.name!r} twice; nothing of it was unpacked")
        kept.append(member)
        total += member.size_bytes
        if member.kind == "file":
            files.add(member.path)
        if total > most or len(kept) > MOST_MEMBERS:
            raise ValueError(
                f"{archive} would unpack to more than {most} bytes or {MOST_MEMBERS} files; nothing of it "
                "was unpacked; if it is no bomb, say `unpacked_bytes` in the file of the data set"
            )
    return kept


def _fault(member: Member) -> str:
    if member.kind not in ("file", "folder"):
        return f"is a {member.kind}"
    if member.name.startswith("/"):
        return "is an absolute path"
    if ".." in member.path.parts:
        return "leads out of the folder"
    if "\\" in member.name or any(ord(sign) < 32 for sign in member.name):
        return "is no name that a file should have"
    if member.kind == "file" and not member.path.parts:
        return "is no name of a file"
    return ""


def _is_tar(file: IO[bytes]) -> bool:
    """By its magic, at byte 257: `tarfile.is_tarfile` would decompress, too."""
    file.seek(257)
    return file.read(5) == b"ustar"


def _of_tar(tar: tarfile.TarFile) -> Iterator[Member]:
    kinds = {tarfile.SYMTYPE: "symbolic link", tarfile.LNKTYPE: "link"}
    for info in tar:
        kind = "file" if info.isreg() else "folder" if info.isdir() else kinds.get(info.type, "device")

        def content(info: tarfile.TarInfo = info) -> IO[bytes]:
            stream = tar.extractfile(info)
            assert stream is not None
            return stream

        yield Member(info.name, kind, info.size, content)


def _of_zip(packed: zipfile.ZipFile) -> Iterator[Member]:
    for info in packed.infolist():
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode):
            kind = "symbolic link"
        elif info.flag_bits & 1:
            kind = "file with a password"
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            kind = "device"
        else:
            kind = "folder" if info.is_dir() else "file"

        def content(info: zipfile.ZipInfo = info) -> IO[bytes]:
            return packed.open(info)

        yield Member(info.orig_filename, kind, info.file_size, content)
