"""Files that are whole or absent, and their digests."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; flushed and renamed to it when the block ends well, else removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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


def refuse_unwritable(folder: Path) -> None:
    """Raises OSError, naming it, where nothing can be written; asked before what goes there is computed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        raise OSError(
            f"cannot write in {folder}: {error.strerror}; nothing was computed: make the folder writable, "
            "or let it be a link to one that is"
        ) from error


def write_text(path: Path, text: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, indent: int | None = None) -> None:
    """Refuses NaN and infinity: they are not JSON, and in a result they are a mistake."""
    write_text(path, json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False) + "\n")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
