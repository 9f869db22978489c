"""Published backbones give the features that were published, or are refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor

from sdetr.interop.backbones import fetched_backbone
from sdetr.training.backbone_settings import FetchedBackbone
from tests.site import Site, digest


def backbone(kind: str, address: str, sha256: str, **trunk: Any) -> FetchedBackbone:
    said = {"arch": "resnet18"} | trunk
    return FetchedBackbone.model_validate({"kind": kind, "trunk": said, "url": address, "sha256": sha256})


@pytest.mark.parametrize("stages", [4, 3])
def test_torchvisions_file_gives_torchvisions_features(tmp_path: Path, site: Site, stages: int) -> None:
    torch.manual_seed(0)
    published = torchvision.models.resnet18(weights=None)
    for module in published.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.normal_(module.running_mean, std=0.2)
    torch.save(published.state_dict(), site.folder / "r18.pth")
    settings = backbone(
        "torchvision", site.url("r18.pth"), digest(site.folder / "r18.pth")[:8], stages=stages
    )
    trunk, path = fetched_backbone(settings, tmp_path / "downloads")
    assert path == tmp_path / "downloads" / site.url("r18.pth").removeprefix("http://")

    kept = create_feature_extractor(published.eval(), {f"layer{stages}": "last"})
    images = torch.randn(2, 3, 64, 96)
    torch.testing.assert_close(trunk.eval()(images)[-1], kept(images)["last"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("nested", [False, True])
def test_swavs_names_are_understood(tmp_path: Path, site: Site, nested: bool) -> None:
    body = {k: v for k, v in torchvision.models.resnet18().state_dict().items() if not k.startswith("fc.")}
    named = {f"module.{key}": value for key, value in body.items()}
    named |= {"module.projection_head.0.weight": torch.zeros(3), "module.prototypes.weight": torch.zeros(3)}
    torch.save({"state_dict": named} if nested else named, site.folder / "swav.pth.tar")
    trunk, _ = fetched_backbone(backbone("swav", site.url("swav.pth.tar"), "unknown"), tmp_path / "downloads")
    assert torch.equal(trunk.state_dict()["layer4.1.conv2.weight"], body["layer4.1.conv2.weight"])


def test_a_body_key_too_many_or_too_few_is_an_error_with_a_table(tmp_path: Path, site: Site) -> None:
    body = torchvision.models.resnet18().state_dict()
    body["layer2.9.conv1.weight"] = body.pop("layer2.1.conv1.weight")
    torch.save(body, site.folder / "odd.pth")
    with pytest.raises(ValueError, match=r"odd.pth does not fit: 99 of 100 keys match") as caught:
        fetched_backbone(backbone("torchvision", site.url("odd.pth"), "unknown"), tmp_path / "downloads")
    assert "missing     layer2.1.conv1.weight" in str(caught.value)
    assert "unexpected  layer2.9.conv1.weight" in str(caught.value)


def test_a_file_that_is_no_weights_is_named(tmp_path: Path, site: Site) -> None:
    (site.folder / "file.pth").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"cannot read .*file.pth as torch weights"):
        fetched_backbone(backbone("torchvision", site.url("file.pth"), "unknown"), tmp_path / "downloads")


def test_a_fetched_backbone_cannot_be_standardised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="standardise needs the images"):
        fetched_backbone(backbone("swav", "http://127.0.0.1:9/x", "unknown", standardise=True), tmp_path)
