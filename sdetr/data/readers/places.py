"""Where a data set's files are looked for, and what to say when they are not there."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path


def must_exist(path: Path, what: str) -> Path:
    """The path itself; FileNotFoundError says which part of it is missing and what to do."""
    if path.exists():
        return path
    there = next(parent for parent in path.parents if parent.exists())
    has = ", ".join(sorted(child.name for child in there.iterdir())[:8]) if there.is_dir() else "a file"
    raise FileNotFoundError(
        f"no {what} {path}: {there} exists and holds {has or 'nothing'}; put or link the data set there, "
        f"for example `ln -s /where/it/is/{path.relative_to(there).parts[0]} {there}/`"
    )


def common_root(roots: Iterable[Path]) -> Path:
    return Path(os.path.commonpath([root.absolute() for root in roots]))


def nearest(name: str, known: Iterable[str]) -> str:
    """`, do you mean X?` or nothing, for the end of an error."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", do you mean {close[0]!r}?" if close else ""
