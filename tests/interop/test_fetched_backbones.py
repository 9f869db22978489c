import hashlib
import logging
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor

from sdetr.interop.backbones import fetched_backbone
from sdetr.interop.download import download
from sdetr.training.settings import FetchedBackbone


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder; `cut/<file>` breaks off half way."""

    def do_GET(self) -> None:
        if not self.path.startswith("/cut/"):
            super().do_GET()
            return
        content = (Path(self.directory) / self.path.removeprefix("/cut/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])

    log_message = BaseHTTPRequestHandler.log_message

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        self.server.asked += 1  # type: ignore[attr-defined]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    (tmp_path / "site").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "site")))
    server.asked = 0  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def url(server: ThreadingHTTPServer, name: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/{name}"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def site(tmp_path: Path, server: ThreadingHTTPServer) -> Path:
    return tmp_path / "site"


def backbone(kind: str, address: str, sha256: str, **trunk: Any) -> FetchedBackbone:
    said = {"arch": "resnet18"} | trunk
    return FetchedBackbone.model_validate({"kind": kind, "trunk": said, "url": address, "sha256": sha256})


@pytest.mark.parametrize("stages", [4, 3])
def test_torchvisions_file_gives_torchvisions_features(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer, stages: int
) -> None:
    torch.manual_seed(0)
    published = torchvision.models.resnet18(weights=None)
    for module in published.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.normal_(module.running_mean, std=0.2)
    torch.save(published.state_dict(), site / "r18.pth")
    settings = backbone("torchvision", url(server, "r18.pth"), digest(site / "r18.pth")[:8], stages=stages)
    trunk, path = fetched_backbone(settings, tmp_path / "downloads")
    assert path == tmp_path / "downloads" / "r18.pth"

    kept = create_feature_extractor(published.eval(), {f"layer{stages}": "last"})
    images = torch.randn(2, 3, 64, 96)
    torch.testing.assert_close(trunk.eval()(images)[-1], kept(images)["last"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("nested", [False, True])
def test_swavs_names_are_understood(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer, nested: bool
) -> None:
    body = {k: v for k, v in torchvision.models.resnet18().state_dict().items() if not k.startswith("fc.")}
    named = {f"module.{key}": value for key, value in body.items()}
    named |= {"module.projection_head.0.weight": torch.zeros(3), "module.prototypes.weight": torch.zeros(3)}
    torch.save({"state_dict": named} if nested else named, site / "swav.pth.tar")
    trunk, _ = fetched_backbone(
        backbone("swav", url(server, "swav.pth.tar"), "unknown"), tmp_path / "downloads"
    )
    assert torch.equal(trunk.state_dict()["layer4.1.conv2.weight"], body["layer4.1.conv2.weight"])


def test_a_body_key_too_many_or_too_few_is_an_error_with_a_table(
    tmp_path: Path, site: Path, server: ThreadingHTTPServer
) -> None:
    body = torchvision.models.resnet18().state_dict()
    body["layer2.9.conv1.weight"] = body.pop("layer2.1.conv1.weight")
    torch.save(body, site / "odd.pth")
    with pytest.raises(ValueError, match=r"odd.pth does not fit: 99 of 100 keys match") as caught:
        fetched_backbone(backbone("torchvision", url(server, "odd.pth"), "unknown"), tmp_path / "downloads")
    assert "missing     layer2.1.conv1.weight" in str(caught.value)
    assert "unexpected  layer2.9.conv1.weight" in str(caught.value)


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


def test_a_file_that_is_no_weights_is_named(tmp_path: Path, site: Path, server: ThreadingHTTPServer) -> None:
    (site / "file.pth").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"cannot read .*file.pth as torch weights"):
        fetched_backbone(backbone("torchvision", url(server, "file.pth"), "unknown"), tmp_path / "downloads")


def test_a_fetched_backbone_cannot_be_standardised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="standardise needs the images"):
        fetched_backbone(backbone("swav", "http://127.0.0.1:9/x", "unknown", standardise=True), tmp_path)
