"""One request for a file of the web, from its beginning or from where an earlier one broke off."""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sdetr.secrets import redact

TIMEOUT_S = 60
CHUNK_BYTES = 1 << 20

_MAY_PASS = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_HOPELESS = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)


class BrokenError(OSError):
    """What may succeed when it is tried again."""


class RefusedError(OSError):
    """What will not."""


@dataclass(frozen=True)
class Answer:
    """What a server began to send."""

    stream: HTTPResponse
    start: int
    """Byte of the file at which it begins; 0 though another was asked for if the server cannot do that."""
    total_bytes: int | None
    """Of the whole file, if the server says it."""
    tag: str
    """Names this state of the file to the same server; empty if the server has no such name."""

    def chunks(self) -> Iterator[bytes]:
        """Raises BrokenError when the connection does not hold."""
        while True:
            try:
                chunk = self.stream.read1(CHUNK_BYTES)
            except (OSError, HTTPException) as error:
                raise BrokenError(f"the connection broke ({error!r})") from error
            if not chunk:
                return
            yield chunk


def request(url: str, start: int, tag: str) -> Answer | None:
    """Asks for the bytes from `start`; None if there are none, for the file is not longer or not the same.

    Raises BrokenError for what may pass, RefusedError for what will not, ValueError for a web page.
    """
    headers = {"User-Agent": "sdetr", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-"} | ({"If-Range": tag} if tag else {})
    try:
        stream: HTTPResponse = urlopen(Request(url, headers=headers), timeout=TIMEOUT_S)
        head = stream.peek(512)
    except HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        kind = BrokenError if error.code >= 500 or error.code in _MAY_PASS else RefusedError
        reason = " ".join(str(error.reason).split())
        raise kind(f"cannot fetch {redact(url)}: it answers {error.code} {reason}") from error
    except (OSError, HTTPException) as error:
        cause = error.reason if isinstance(error, URLError) else error
        kind = RefusedError if isinstance(cause, _HOPELESS) else BrokenError
        raise kind(f"cannot fetch {redact(url)}: {cause}") from error
    if _is_page(stream.headers, head):
        stream.close()
        led = f", having led to {redact(stream.url)}," if stream.url != url else ""
        raise ValueError(
            f"{redact(url)}{led} sent a web page instead of a file; open it in a browser to see why"
        )
    return _answer(stream)


def _is_page(headers: Message, head: bytes) -> bool:
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return headers.get_content_type() == "text/html" or begins.startswith((b"<!doctype html", b"<html"))


def _answer(stream: HTTPResponse) -> Answer:
    start, total = 0, stream.headers.get("Content-Length")
    if stream.status == HTTPStatus.PARTIAL_CONTENT:
        said = stream.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", said)
        if not found:
            raise RefusedError(
                f"{redact(stream.url)} sent a part with Content-Range {said!r}, expected bytes a-b/n"
            )
        start, total = int(found[1]), found[2]
    tag = stream.headers.get("ETag", "")
    if not tag or tag.startswith("W/"):  # a weak one does not stand for bytes
        tag = stream.headers.get("Last-Modified", "")
    return Answer(stream, start, int(total) if total and total.isdigit() else None, tag)
