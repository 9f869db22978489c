"""Files that are whole or absent, and their digests."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def written_whole(path: Path, size: int = 0) -> Iterator[Path]:
    """A temporary path beside `path`; flushed and renamed to it when the block ends well, else removed.

    Raises OSError, which names the file and the `size` that it will have (bytes, where known), if there is
    too little room.
    """
    # Processes of two machines that share a file system may have the same number.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.tmp")
    with told_if_full(path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def told_if_full(path: Path, size: int = 0) -> Iterator[None]:
    """Raises OSError with what to do, in place of the system's or a library's about too little room."""
    try:
        yield
    except Exception as error:
        if (number := _told_number(error)) not in FULL:
            raise
        facts = [f"it needs {size / 1e6:.1f} MB"] if size else []
        if number == errno.ENOSPC:
            there = next(folder for folder in path.absolute().parents if folder.exists())
            facts.append(f"its disk has {shutil.disk_usage(there).free / 1e6:.1f} MB free")
        facts.append("what was there before is whole: make room, and the same command continues")
        raise OSError(f"cannot write {path}: {os.strerror(number)}; {', '.join(facts)}") from error


def _told_number(error: BaseException | None) -> int:
    """The system's, of an error that a library may have wrapped; 0 if it is of none."""
    if isinstance(error, OSError):
        return error.errno or 0
    # safetensors, in Rust, says no more; the last word of torch is about a position in the file.
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else _told_number(error.__context__) if error else 0


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """An empty folder beside `path`, which takes its place when the block ends well, else is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as room:
        new = Path(room, "new")
        new.mkdir()
        yield new
        if path.exists():
            path.rename(Path(room, "old"))
        new.rename(path)


def write_text(path: Path, text: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, indent: int | None = None) -> None:
    """Refuses NaN and infinity: they are not JSON, and in a result they are a mistake."""
    write_text(path, json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False) + "\n")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
