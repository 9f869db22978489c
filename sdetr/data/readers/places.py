"""Where a data set's files are looked for, and what to say when they are not there."""

import difflib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path


def must_exist(path: Path, what: str) -> Path:
    """The path itself; FileNotFoundError says which part of it is missing and what is there."""
    if path.exists():
        return path
    there = next(parent for parent in path.parents if parent.exists())
    raise FileNotFoundError(f"no {what} {path}: {there} exists and holds {holds(path)}")


def holds(path: Path) -> str:
    """Names in the nearest folder above a path that is there, for the end of an error."""
    there = next(parent for parent in path.parents if parent.exists())
    if not there.is_dir():
        return "a file"
    names = sorted(child.name for child in there.iterdir() if not child.name.startswith("."))
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more or "nothing"


def common_root(roots: Iterable[Path]) -> Path:
    return Path(os.path.commonpath([root.absolute() for root in roots]))


def nearest(name: str, known: Iterable[str]) -> str:
    """`, do you mean X?` or nothing, for the end of an error."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", do you mean {close[0]!r}?" if close else ""


def refuse_twice(path: Path, what: str, values: Iterable[object]) -> None:
    """Raises ValueError for a value that is not unique in the file."""
    value, times = next(iter(Counter(values).most_common(1)), ("", 0))
    if times > 1:
        raise ValueError(f"{path} has {what} {value!r} {times} times; it has to be unique")


def all_there(folder: Path, files: list[str], archive: str = "image") -> None:
    """Raises FileNotFoundError when one of these files is not."""
    there = {entry.name for entry in os.scandir(folder)}  # one listing instead of 118,287 questions
    missing = [file for file in files if file not in there and not (folder / file).exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(files)} {archive}s are not in {folder}, the first is {missing[0]}; "
            f"unpack the {archive} archive there"
        )
