"""A web site of this machine's own, where requests meet what happens to requests."""

import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest


class Asked(NamedTuple):
    """A request, and from which byte it wanted the file."""

    name: str
    start: int


class Site:
    """The files of a folder. `befalls[name]` says what meets the requests for a file, in turn:

    `cut 2500` (the connection ends after so many bytes), `503`, `404`, `page` (HTML), `to x` (redirected).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.befalls: defaultdict[str, list[str]] = defaultdict(list)
        self.asked: list[Asked] = []
        self.resumes = True
        self.tagged = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.site = self  # type: ignore[attr-defined]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"

    def put(self, name: str, content: bytes) -> str:
        """Its address."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)
        return self.url(name)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        name = self.path.lstrip("/")
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        site.asked.append(Asked(name, int(wanted[1]) if wanted else 0))
        what, _, detail = (site.befalls[name].pop(0) if site.befalls[name] else "file").partition(" ")
        path = site.folder / name.partition("?")[0]
        if what.isdigit() or not path.is_file():
            self.send_error(int(what) if what.isdigit() else 404)
        elif what == "to":
            self.send_response(302)
            self.send_header("Location", site.url(detail))
            self.end_headers()
        else:
            self._send(site, path, what, int(detail or 0))

    def _send(self, site: Site, path: Path, what: str, most: int) -> None:
        content = path.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        start = site.asked[-1].start if site.resumes else 0
        if self.headers.get("If-Range", tag) != tag:
            start = 0
        if start >= len(content) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if site.tagged:
            self.send_header("ETag", tag)
        page = what == "page" or path.suffix == ".html"
        self.send_header("Content-Type", "text/html; charset=utf-8" if page else "application/octet-stream")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: most if what == "cut" else None])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site")
    threading.Thread(target=site.server.serve_forever, args=(0.01,), daemon=True).start()
    yield site
    site.server.shutdown()
    site.server.server_close()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
