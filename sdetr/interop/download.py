"""Fetch a file once, and never trust it without its digest."""

import logging
import time
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from sdetr.files import sha256, write_text, written_whole

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20


def download(url: str, digest: str, folder: Path) -> Path:
    """The file of `url` in `folder`, fetched if it is not there.

    `digest` is a sha256 or its beginning; `unknown` accepts the first download, writes its digest beside it,
    and enforces that from then on. Raises ValueError when the file is not what it should be, OSError when it
    cannot be had.
    """
    path = folder / unquote(Path(urlsplit(url).path).name)
    recorded = path.with_name(f"{path.name}.sha256")
    if digest == "unknown" and recorded.exists():
        digest = recorded.read_text(encoding="utf-8").strip()
    if not path.exists():
        with written_whole(path) as temporary:
            _fetch(url, temporary)
            _check(temporary, digest, f"what {url} sent")
    found = _check(path, digest, f"{path}, from an earlier download,")
    if digest == "unknown":
        write_text(recorded, found + "\n")
        log.warning("%s: its sha256 was not known; %s is now, in %s", path, found, recorded)
    return path


def _check(path: Path, digest: str, what: str) -> str:
    """Raises ValueError unless the file's digest begins so, or nobody knows it."""
    found = sha256(path)
    if digest != "unknown" and not found.startswith(digest):
        raise ValueError(f"{what} has sha256 {found}, expected {digest}…; remove it or correct `sha256`")
    return found


def _fetch(url: str, path: Path) -> None:
    try:
        with urlopen(Request(url, headers={"User-Agent": "sdetr"}), timeout=60) as answer:
            length = int(answer.headers.get("Content-Length") or 0)
            if answer.headers.get_content_type() == "text/html":
                raise ValueError(f"{url} sent a web page instead of a file; open it in a browser to see why")
            with path.open("wb") as file:
                received = _copy(answer, file, length, url)
    except URLError as error:
        raise OSError(
            f"cannot fetch {url}: {error.reason}; without a network, put the file at {path.parent}"
        ) from error
    if length and received != length:
        raise ValueError(f"{url} broke off after {received} of {length} bytes; try again")


def _copy(source: IO[bytes], file: IO[bytes], length: int, url: str) -> int:
    """Returns the bytes copied; a log line at most every few seconds."""
    received, began = 0, time.monotonic()
    told = began
    while chunk := source.read(CHUNK_BYTES):
        file.write(chunk)
        received += len(chunk)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            rate = received / (told - began)
            left = f"{(length - received) / rate:.0f} s left" if length else "length unknown"
            log.info("%s: %.0f MB, %.1f MB/s, %s", url, received / 1e6, rate / 1e6, left)
    return received
