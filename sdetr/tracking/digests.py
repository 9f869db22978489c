"""Files by path and digest."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from sdetr.files import sha256


class Digested(NamedTuple):
    """A file, or a folder, from the root, and the sha256 of what is in it."""

    path: str
    sha256: str


def digest_of(path: Path) -> str:
    """Of a file its bytes; of a folder the names and digests of its files."""
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest_of_value([[str(file.relative_to(path)), sha256(file)] for file in files])


def digest_of_value(value: Any) -> str:
    """Of plain values, as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
