"""A file of the web, fetched once, continued where it broke off, and never trusted without its digest."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from sdetr.data.fetching.alone import alone
from sdetr.data.fetching.remote import Remote
from sdetr.data.fetching.request import Answer, BrokenError, RefusedError, request
from sdetr.data.fetching.room import enough_room
from sdetr.files import write_text
from sdetr.secrets import redact

log = logging.getLogger(__name__)

PAUSES_S = (1, 2, 4, 8, 16)
"""Before each further try; they begin anew whenever something arrived."""
SAID_EVERY_S = 5.0


def download(remote: Remote, folder: Path) -> Path:
    """The file below `folder`, fetched if it is not there. Raises as `receive`."""
    path = remote.below(folder)
    with alone(path, wait=True):
        receive(remote, path)
    return path


def receive(remote: Remote, path: Path) -> None:
    """Makes `path` the whole file; what came before a cut stays in `<path>.part` and is continued.

    ValueError when the file is not what it should be, OSError when it cannot be had, each with the address.
    """
    url, part, tag = redact(remote.url), _beside(path, "part"), _beside(path, "part.tag")
    recorded = _beside(path, "sha256")
    if path.exists():
        remote.check(path, recorded, f"{path}, from an earlier download,", "remove it or correct the digest")
        return
    _persist(remote, part, tag, path)
    tag.unlink(missing_ok=True)
    try:
        remote.check(part, recorded, f"what {url} sent", "it was removed; correct the digest or try again")
    except ValueError:
        part.unlink()
        raise
    part.replace(path)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _persist(remote: Remote, part: Path, tag: Path, path: Path) -> None:
    """Tries until the part is whole, or several times in a row brought nothing new."""
    furthest, vain = _size(part), 0
    while True:
        try:
            return _go_on(remote, part, tag)
        except BrokenError as error:
            vain = 1 if _size(part) > furthest else vain + 1
            furthest = max(furthest, _size(part))
            if vain > len(PAUSES_S):
                raise OSError(
                    f"{error}; {_state(part)}; run it again to go on, or put {path} there"
                ) from error
            log.warning("%s; trying again in %g s", error, PAUSES_S[vain - 1])
            time.sleep(PAUSES_S[vain - 1])
        except RefusedError as error:
            raise OSError(f"{error}; {_state(part)}; without a network, put the file at {path}") from error


def _state(part: Path) -> str:
    return f"{_size(part)} bytes of it stay in {part}" if part.exists() else "nothing of it is here"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _go_on(remote: Remote, part: Path, tag: Path) -> None:
    """One request, from where the part ends if it can be told that both are of the same file."""
    known = tag.read_text(encoding="utf-8") if tag.exists() else ""
    start = _size(part) if known or remote.sha256 or remote.md5 else 0
    if start and start == remote.size_bytes:
        return
    answer = request(remote.url, start, known)
    if answer is None:  # the file ends here, or before: the part may be another's
        part.unlink()
        raise BrokenError(f"{redact(remote.url)} has nothing beyond the {start} bytes that are here")
    with answer.stream:
        total = answer.total_bytes or remote.size_bytes
        if remote.size_bytes and total != remote.size_bytes:
            raise ValueError(
                f"{redact(remote.url)} has {total} bytes, expected {remote.size_bytes}; it was published "
                "anew, or the address is another file's"
            )
        enough_room(part.parent, (total or 0) - answer.start, f"the download of {part.stem}")
        write_text(tag, answer.tag)
        _append(answer, part, total)
    if total and _size(part) < total:
        raise BrokenError(f"{redact(remote.url)} broke off at {_size(part)} of {total} bytes")


def _append(answer: Answer, part: Path, total: int | None) -> None:
    """ValueError when more comes than there should be."""
    part.touch()
    if answer.start > _size(part):
        raise BrokenError(
            f"{redact(answer.stream.url)} goes on at byte {answer.start}, but only {_size(part)} are here"
        )
    with part.open("r+b") as file:
        file.seek(answer.start)
        file.truncate()
        for chunk in _said(answer.chunks(), part.stem, answer.start, total):
            file.write(chunk)
            if total and file.tell() > total:
                raise ValueError(
                    f"{redact(answer.stream.url)} sends more than the {total} bytes it should have"
                )


def _said(chunks: Iterator[bytes], name: str, done: int, total: int | None) -> Iterator[bytes]:
    """The same chunks; a log line with rate and time left now and then."""
    began = said = time.monotonic()
    first = done
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if (now := time.monotonic()) - said >= SAID_EVERY_S:
            said, rate = now, (done - first) / (now - began)
            left = (
                f"of {total / 1e6:.0f} MB, {(total - done) / rate:.0f} s left" if total else "length unknown"
            )
            log.info("%s: %.0f MB, %.1f MB/s, %s", name, done / 1e6, rate / 1e6, left)
