import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from sdetr.data.normalise import normalise
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.training import backbone
from sdetr.training.backbone import frozen, make_backbone
from sdetr.training.crops import Crops, Pictures

Write = Callable[[Path, dict[str, Any]], Path]
TRUNK = {"arch": "resnet18", "width": 16, "stages": 2, "standardise": True}


@pytest.fixture(scope="module")
def singles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index of 60 noisy 24-pixel images of two classes, red and blue."""
    root = tmp_path_factory.mktemp("singles")
    random = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(60):
        pixels = random.integers(0, 120, (24, 24, 3), dtype=np.uint8)
        pixels[..., 2 * (i % 2)] += 110
        Image.fromarray(pixels).save(root / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "height": 24, "width": 24})
        whole = {"bbox": [0, 0, 24, 24], "area": 576, "iscrowd": 0, "difficult": 0}
        annotations.append({"id": i + 1, "image_id": i, "category_id": i % 2, **whole})
    index = {
        "info": {"dataset": "singles", "root": ".", "funnel": {}},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 0, "name": "red"}, {"id": 1, "name": "blue"}],
    }
    (root / "train.json").write_text(json.dumps(index))
    return root / "train.json"


def settings(singles: Path, **changes: Any) -> dict[str, Any]:
    trained = {
        "kind": "trained",
        "trunk": TRUNK,
        "seed": 1,
        "dataset": "singles",
        "test": "singles",
        "crop_px": 16,
        "epochs": 4,
        "drop": [3],
        "batch": 20,
        "lr": 2e-3,
        "lr_backbone": 2e-3,
        "weight_decay": 1e-4,
        "clip": 1.0,
    }
    said = {"stage": "backbone", "recipe": 1, "backbone": trained | changes}
    return said | {"train": str(singles), "test": str(singles)}


def test_a_trained_backbone_learns_is_recorded_and_loads_as_a_trunk(
    singles: Path, tmp_path: Path, as_yaml: Write
) -> None:
    out = tmp_path / "data" / "demo" / "backbones" / "tiny.safetensors"
    make_backbone(as_yaml(tmp_path / "s.yaml", settings(singles)), out, "cpu")
    tensors, metadata = read_weights(out)
    assert metadata["kind"] == "backbone"
    assert json.loads(metadata["trunk"]) == TRUNK
    trunk = ResNet(TrunkSettings.model_validate(TRUNK))
    load_exactly(trunk, tensors, "tiny")

    record = json.loads(out.with_suffix(".json").read_text())
    assert (record["run"], record["stage"]) == ("backbones/tiny", "backbone")
    assert record["outputs"].keys() == {"tiny.safetensors"}
    assert record["metrics"]["accuracy"] > 90
    assert record["metrics"]["chance"] == 50
    assert list((tmp_path / "data/demo/state/backbones/tiny").glob("*.pt")) == []

    view = normalise(Pictures(singles).view(torch.arange(60)))
    last = trunk(view.images)[-1].transpose(0, 1).flatten(1)  # (C, B · h · w)
    alive = last.std(dim=1) > 0
    assert alive.sum() > 10
    torch.testing.assert_close(last[alive].mean(dim=1), torch.zeros(int(alive.sum())), atol=1e-3, rtol=0)
    torch.testing.assert_close(last[alive].std(dim=1), torch.ones(int(alive.sum())), atol=1e-2, rtol=0)


def test_freezing_changes_no_feature(singles: Path) -> None:
    torch.manual_seed(0)
    shape = TrunkSettings.model_validate(TRUNK | {"standardise": False})
    trained = ResNet(shape, nn.BatchNorm2d)
    pictures = Pictures(singles)
    images = normalise(pictures.view(torch.arange(20))).images
    for _ in range(3):
        trained(images)  # in training mode: statistics move
    expected = trained.eval()(images)[-1]
    torch.testing.assert_close(frozen(trained, shape, pictures)(images)[-1], expected, atol=1e-5, rtol=1e-4)


def test_a_channel_that_never_fires_stays_finite(singles: Path) -> None:
    shape = TrunkSettings.model_validate(TRUNK)
    trained = ResNet(shape, nn.BatchNorm2d).eval()
    last = trained.get_submodule("layer2.1")
    nn.init.constant_(last.get_parameter("bn2.bias"), -1e3)
    pictures = Pictures(singles)
    found = frozen(trained, shape, pictures)(normalise(pictures.view(torch.arange(3))).images)[-1]
    assert found.abs().max() == 0


def test_fault_45_a_killed_backbone_ends_with_the_same_bits(
    singles: Path, tmp_path: Path, as_yaml: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_yaml(tmp_path / "s.yaml", settings(singles, save_every_s=0.0))
    whole, resumed = (
        tmp_path / name / "demo" / "backbones" / "tiny.safetensors" for name in ("whole", "resumed")
    )
    make_backbone(path, whole, "cpu")

    def killed(crops: Crops, step: int) -> Any:
        if step == 7:
            raise InterruptedError
        return batch(crops, step)

    batch = Crops._batch
    monkeypatch.setattr(backbone.Crops, "_batch", killed)
    with pytest.raises(InterruptedError):
        make_backbone(path, resumed, "cpu")
    monkeypatch.undo()
    make_backbone(path, resumed, "cpu")
    assert whole.read_bytes() == resumed.read_bytes()
    assert [s["step"] for s in json.loads(resumed.with_suffix(".json").read_text())["starts"]] == [0, 7]


def test_a_pass_over_the_crops_shows_each_image_once_and_any_step_can_be_the_first(singles: Path) -> None:
    crops = Crops(Pictures(singles), crop_px=16, batch=20, seed=3)
    views = crops.from_step(0)
    first = [next(views) for _ in range(6)]
    assert sorted(i for view in first[:3] for i in view.image_ids) == list(range(60))
    assert [view.image_ids for view in first[:3]] != [view.image_ids for view in first[3:]]
    again = next(crops.from_step(4))
    assert again.image_ids == first[4].image_ids
    assert torch.equal(again.images, first[4].images)
    assert first[0].images.shape == (20, 3, 16, 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"crop_px": 25}, "crop_px: 25, but the images are 24x24"), ({"batch": 61}, "there are only 60 images")],
)
def test_what_the_images_cannot_give_is_refused(
    singles: Path, tmp_path: Path, as_yaml: Write, changes: dict[str, Any], message: str
) -> None:
    path = as_yaml(tmp_path / "s.yaml", settings(singles, **changes))
    with pytest.raises(ValueError, match=message):
        make_backbone(path, tmp_path / "data/demo/backbones/tiny.safetensors", "cpu")


def test_images_with_several_objects_are_refused(rectangles: Path) -> None:
    with pytest.raises(ValueError, match="images of one size with one object each"):
        Pictures(rectangles / "raw/rectangles/train.json")


def test_a_fetched_backbone_is_recorded_with_its_download(tmp_path: Path, as_yaml: Write) -> None:
    downloads = tmp_path / "data" / "raw" / "downloads" / "127.0.0.1:9"
    downloads.mkdir(parents=True)
    torch.manual_seed(0)
    published = ResNet(TrunkSettings(arch="resnet18", width=16, stages=4))
    torch.save(published.state_dict(), downloads / "r18.pth")
    trunk = {"arch": "resnet18", "width": 16}
    fetched = {
        "kind": "torchvision",
        "trunk": trunk,
        "url": "http://127.0.0.1:9/r18.pth",
        "sha256": "unknown",
    }
    path = as_yaml(tmp_path / "s.yaml", {"stage": "backbone", "recipe": 1, "backbone": fetched})
    out = tmp_path / "data" / "paper" / "backbones" / "r18.safetensors"
    make_backbone(path, out, "cpu")
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["inputs"]["download"]["path"] == str(downloads / "r18.pth")
    assert record["outputs"].keys() == {"r18.safetensors"}
    tensors, _ = read_weights(out)
    assert torch.equal(tensors["conv1.weight"], published.conv1.weight)
