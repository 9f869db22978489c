"""A download is what its digest says, whole, and made once."""

import logging
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from sdetr.interop.download import download
from tests.interop.site import digest, url


def test_a_wrong_digest_leaves_nothing_behind(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer
) -> None:
    (site / "file.pth").write_bytes(b"not what was published")
    with pytest.raises(ValueError, match=f"has sha256 {digest(site / 'file.pth')}, expected 00000000"):
        download(url(server, "file.pth"), "00000000", tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_web_page_is_called_a_web_page(tmp_path: Path, site: Path, server: ThreadingHTTPServer) -> None:
    (site / "file.html").write_text("<html>please log in</html>")
    with pytest.raises(ValueError, match="sent a web page instead of a file"):
        download(url(server, "file.html"), "unknown", tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_download_that_breaks_off_is_refused(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer
) -> None:
    (site / "file.pth").write_bytes(bytes(5000))
    with pytest.raises(ValueError, match="broke off after 2500 of 5000 bytes; try again"):
        download(url(server, "cut/file.pth"), "unknown", tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_an_unknown_digest_is_recorded_once_and_enforced_from_then_on(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    (site / "file.pth").write_bytes(b"first")
    folder = tmp_path / "downloads"
    with caplog.at_level(logging.WARNING, "sdetr"):
        path = download(url(server, "file.pth"), "unknown", folder)
    recorded = folder / "file.pth.sha256"
    assert recorded.read_text().strip() == digest(path)
    assert digest(path) in caplog.text
    path.write_bytes(b"changed")
    with pytest.raises(ValueError, match="from an earlier download, has sha256"):
        download(url(server, "file.pth"), "unknown", folder)
    path.unlink()
    (site / "file.pth").write_bytes(b"published anew")
    with pytest.raises(ValueError, match=f"expected {recorded.read_text().strip()}"):
        download(url(server, "file.pth"), "unknown", folder)


def test_a_file_that_is_there_is_not_fetched_again(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer
) -> None:
    (site / "file.pth").write_bytes(b"first")
    for _ in range(3):
        download(url(server, "file.pth"), "unknown", tmp_path / "downloads")
    assert server.asked == 1  # type: ignore[attr-defined]


def test_a_missing_page_says_where_a_file_may_be_put(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    with pytest.raises(OSError, match=r"cannot fetch .*none.pth: .*put the file at .*downloads"):
        download(url(server, "none.pth"), "unknown", tmp_path / "downloads")
