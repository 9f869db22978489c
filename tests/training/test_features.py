"""Features made ahead: what the backbone says of every planned view and crop, whatever stands beside it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from sdetr.config.layers import Params
from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.position import shrink
from sdetr.models.settings import TrunkSettings
from sdetr.proposals.store import write_proposals
from sdetr.training.features import make_features
from sdetr.training.frozen import frozen_backbone
from sdetr.types import View
from sdetr.views.features import write_features
from sdetr.views.loader import PairBatches
from sdetr.views.stage import plan_views
from sdetr.views.store import ViewPlan

RECIPE = Params(Path(__file__).parents[2] / "params").resolve("views", "siamese-pairs").values
SMALL = {"draws": 2, "regions": 3, "crop_px": 16}
TRUNK = TrunkSettings(arch="resnet18", width=16, stages=2)
STILL = {"jitter": 0.0, "gray": 0.0, "blur": 0.0}


CORNERS = np.array([[0, 0, 30, 30], [10, 0, 40, 32], [5, 5, 30, 25], [0, 8, 40, 30]], np.float32)


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    return RECIPE | SMALL


@pytest.fixture(scope="module")
def plan(rectangles: Path, recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ViewPlan:
    folder = tmp_path_factory.mktemp("plan")
    index = str(rectangles / "raw/rectangles/train.json")
    boxes = folder / "boxes.parquet"
    rows = [(7 * i + 3, CORNERS, np.ones(4, np.float32)) for i in range(10)]
    write_proposals(boxes, rows, lambda: {"left_out": {}})
    run = {"stage": "views", "recipe": 1, "seed": 0, "views": recipe, "short": [48, 56], "longest": 90}
    (folder / "views.yaml").write_text(yaml.safe_dump(run | {"dataset": index, "proposals": str(boxes)}))
    plan_views(folder / "views.yaml", folder / "views/p/r/seed0.parquet")
    return ViewPlan(folder / "views/p/r/seed0.parquet")


@pytest.fixture(scope="module")
def trunk_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("trunk") / "trunk.safetensors"
    save_weights(ResNet(TRUNK), path, {"kind": "backbone", "trunk": json.dumps(TRUNK.said())})
    return path


@pytest.fixture(scope="module")
def made(
    rectangles: Path, plan: ViewPlan, recipe: dict[str, Any], trunk_file: Path, tmp_path_factory
) -> Callable[..., Path]:
    def make(seed: int = 0, **colour: float) -> Path:
        folder = tmp_path_factory.mktemp("made")
        views = recipe | {"colour": recipe["colour"] | colour}
        run = {"stage": "features", "recipe": 1, "seed": seed, "views": views, "plan": str(plan.path)}
        run |= {"dataset": str(rectangles / "raw/rectangles/train.json")}
        (folder / "features.yaml").write_text(yaml.safe_dump(run))
        out = folder / "data/features/p/r/seed0.safetensors"
        make_features(folder / "features.yaml", trunk_file, out, "cpu")
        return out

    return make


@pytest.fixture(scope="module")
def dataset(rectangles: Path) -> Dataset:
    return Dataset(rectangles / "raw/rectangles/train.json")


def test_without_colours_they_are_what_the_backbone_says_on_the_fly(
    made: Callable[..., Path], dataset: Dataset, plan: ViewPlan, trunk_file: Path
) -> None:
    backbone = frozen_backbone(trunk_file)
    ahead = PairBatches(dataset, plan, 16, 4, seed=3, features=made(**STILL))
    plain = PairBatches(dataset, plan, 16, 4, seed=3)
    assert ahead.steps_per_pass == plain.steps_per_pass
    for step in (0, ahead.steps_per_pass):  # of both draws
        for given, pixels in zip(ahead[step], plain[step], strict=True):
            assert given.image_ids == pixels.image_ids
            assert all(map(torch.equal, given.boxes, pixels.boxes))
            assert all(map(torch.equal, given.labels, pixels.labels))
            assert given.images.shape == (4, 3, 0, 0)
            assert given.maps[0].dtype == given.crop_features.dtype == torch.float32
            cells = shrink(given.padding, tuple(given.maps[0].shape[2:]))
            normal = normalise(pixels)
            for i in range(4):
                height, width = ((~pixels.padding[i]).any(dim=d).sum() for d in (1, 0))
                alone = normal.images[i : i + 1, :, :height, :width]
                expected = backbone(alone)[-1][0]
                h, w = expected.shape[1:]
                assert torch.allclose(given.maps[0][i, :, :h, :w], expected, atol=1e-3, rtol=1e-3)
                assert not cells[i, :h, :w].any()
                assert cells[i].sum() == cells[i].numel() - h * w  # and padding is exactly the rest
                assert not given.maps[0][i][:, cells[i]].any()
                crops = backbone(normal.crops[i])[-1].mean(dim=(2, 3))
                assert torch.allclose(given.crop_features[i], crops, atol=1e-3, rtol=1e-3)


def test_padding_says_how_large_the_unpadded_view_is(
    made: Callable[..., Path], dataset: Dataset, plan: ViewPlan
) -> None:
    (ahead, _), (plain, _) = (
        PairBatches(dataset, plan, 16, 6, seed=3, features=f)[0] for f in (made(**STILL), None)
    )
    assert torch.equal((~ahead.padding).sum(dim=(1, 2)), (~plain.padding).sum(dim=(1, 2)))
    cells = [-(-side // 8) for side in plain.padding.shape[1:]]  # two stages: stride 8
    assert list(ahead.maps[0].shape[2:]) == cells and list(ahead.padding.shape[1:]) == [8 * c for c in cells]


def test_equal_runs_give_equal_bytes_and_colours_follow_the_seed(made: Callable[..., Path]) -> None:
    one = made().read_bytes()
    assert made().read_bytes() == one
    assert made(seed=1).read_bytes() != one
    assert made(**STILL).read_bytes() != one


def test_the_record_says_what_they_were_made_of(made: Callable[..., Path], plan: ViewPlan) -> None:
    out = made()
    record = json.loads(out.with_suffix(".json").read_text())
    assert (record["stage"], record["run"]) == ("features", "features/p/r/seed0")
    assert set(record["inputs"]) == {"settings", "init", "dataset", "plan"}
    assert list(record["outputs"]) == ["seed0.safetensors"]


def test_fault_49_features_of_another_plan_or_of_nothing_are_refused(
    made: Callable[..., Path], dataset: Dataset, plan: ViewPlan, tmp_path: Path
) -> None:
    features = made()
    longer = tmp_path / "other.parquet"
    longer.write_bytes(plan.path.read_bytes())
    other = ViewPlan(longer)
    PairBatches(dataset, other, 16, 4, seed=0, features=features)  # the same bytes are the same plan
    with longer.open("ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match="was made for other views"):
        PairBatches(dataset, other, 16, 4, seed=0, features=features)
    with pytest.raises(FileNotFoundError, match="no features"):
        PairBatches(dataset, plan, 16, 4, seed=0, features=tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("nothing of the kind")
    (tmp_path / "torn.safetensors").write_bytes(features.read_bytes()[:-1])
    for name in ("text", "torn"):
        with pytest.raises(ValueError, match=f"{name}.safetensors holds no features of views"):
            PairBatches(dataset, plan, 16, 4, seed=0, features=tmp_path / f"{name}.safetensors")


def test_a_file_that_does_not_say_its_trunk_is_no_backbone(tmp_path: Path) -> None:
    save_weights(ResNet(TRUNK), tmp_path / "detector.safetensors", {"format": "sdetr-2"})
    with pytest.raises(ValueError, match=r"detector\.safetensors does not say which trunk"):
        frozen_backbone(tmp_path / "detector.safetensors")


def test_overflow_is_no_feature(plan: ViewPlan, tmp_path: Path) -> None:
    maps, crops = [torch.full((2, 1, 1, 1), 1e6)], [torch.zeros(2, 3, 1)]
    with pytest.raises(ValueError, match="cells beyond"):
        write_features(tmp_path / "f.safetensors", plan, maps, crops, 8)


def test_views_with_features_travel_to_a_device(
    made: Callable[..., Path], dataset: Dataset, plan: ViewPlan
) -> None:
    (one, _) = PairBatches(dataset, plan, 16, 2, seed=0, features=made(**STILL))[0]
    moved: View = one.to(torch.device("cpu"))
    assert torch.equal(moved.maps[0], one.maps[0])
    assert torch.equal(moved.crop_features, one.crop_features)


@torch.no_grad()
def test_detreg_t15_the_target_is_the_beginning_of_its_file(tmp_path: Path) -> None:
    """The second stage's map, as the whole network makes it, whatever is done to its last one."""
    trunk = TrunkSettings(arch="resnet18", width=8, stages=4, standardise=True, dilated=True)
    torch.manual_seed(0)
    whole, path = ResNet(trunk).eval(), tmp_path / "whole.safetensors"
    save_weights(whole, path, {"kind": "backbone", "trunk": json.dumps(trunk.said())})
    target, images = frozen_backbone(path, 2), torch.randn(2, 3, 32, 32)
    assert len(target(images)) == 2 and torch.equal(target(images)[-1], whole(images)[1])
    assert not target.training and not any(p.requires_grad for p in target.parameters())
    with pytest.raises(ValueError, match="has 4 stages, but stage 5 is wanted"):
        frozen_backbone(path, 5)
