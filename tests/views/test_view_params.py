"""The recipes of `params/views/`: the paper's, and its ablations as differences."""

from pathlib import Path

import pytest

from sdetr.config.check import check
from sdetr.config.layers import Params
from sdetr.views.settings import CropsSettings, PairsSettings, PatchesSettings, Views

ROOT = Path(__file__).parents[2] / "params"
PARAMS = Params(ROOT)


def recipe(name: str) -> PairsSettings:
    found = check(Views, PARAMS.resolve("views", name))
    assert isinstance(found, PairsSettings)
    return found


@pytest.mark.parametrize("name", PARAMS.names("views"))
def test_every_recipe_is_valid_and_says_in_its_first_line_what_it_is(name: str) -> None:
    assert check(Views, PARAMS.resolve("views", name))
    assert (ROOT / "views" / f"{name}.yaml").read_text().startswith("# ")


def test_the_papers_recipe() -> None:
    pairs = recipe("siamese-pairs")
    assert (pairs.regions, pairs.iou, pairs.flip, pairs.min_region, pairs.crop_px) == (
        10,
        0.5,
        0.5,
        0.05,
        128,
    )
    assert (pairs.area, pairs.pad_jitter, pairs.proposer) == ((0.5, 1.0), 0.1, "edgeboxes")
    assert pairs.aspect == pytest.approx((3 / 4, 4 / 3))
    colour = pairs.colour
    assert (colour.jitter, colour.gray, colour.blur, colour.blur_px) == (0.8, 0.2, 0.5, (0.1, 2.0))
    assert (colour.brightness, colour.contrast, colour.saturation, colour.hue) == (0.4, 0.4, 0.4, 0.1)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("tau30", {"iou": 0.3}), ("tau70", {"iou": 0.7}), ("random", {"proposer": "random"})],
)
def test_an_ablation_is_its_difference(name: str, changes: dict[str, object]) -> None:
    expected = recipe("siamese-pairs").model_copy(update=changes)
    assert recipe(f"siamese-pairs-{name}") == expected


def test_updetrs_patches_are_the_papers() -> None:
    crops = check(Views, PARAMS.resolve("views", "updetr-patches"))
    assert isinstance(crops, CropsSettings)
    assert crops.sampler == PatchesSettings(kind="patches", layout="random", min_px=8)
    assert (crops.regions, crops.fewest, crops.crop_px) == (10, 10, 128)
    assert (crops.flip, crops.crop, crops.proposer) == (0.0, None, None)


@pytest.mark.parametrize("name", PARAMS.names("views"))
def test_crops_of_every_pretext_are_coloured_alike(name: str) -> None:
    found: PairsSettings | CropsSettings = check(Views, PARAMS.resolve("views", name))
    assert found.colour == recipe("siamese-pairs").colour and found.crop_px == 128
