"""Siamese DETR's files of `params/pretexts/`: weights depend on detector and source as the papers' do."""

from pathlib import Path

import pytest

from sdetr.config.layers import Params
from sdetr.objectives.settings import SiameseSettings

PARAMS = Params(Path(__file__).parents[2] / "params")


def settings(name: str, model: str, source: str) -> SiameseSettings:
    facts = {"model": PARAMS.kin("models", model), "source": (source,), "pretext": (name,)}
    return SiameseSettings.model_validate(PARAMS.resolve("pretexts", name, facts).values)


@pytest.mark.parametrize("name", [name for name in PARAMS.names("pretexts") if name.startswith("siamese")])
@pytest.mark.parametrize("model", PARAMS.names("models"))
@pytest.mark.parametrize("source", ["imagenet", "coco"])
def test_siamese_is_valid_on_every_detector_and_source(name: str, model: str, source: str) -> None:
    assert settings(name, model, source).no_object == 0.1


@pytest.mark.parametrize(
    "model, source, feature, whole",
    [
        ("detr", "imagenet", 3.0, 10.0),
        ("conditional", "imagenet", 5.0, 10.0),
        ("conditional-300q", "imagenet", 5.0, 10.0),
        ("detr", "coco", 3.0, 0.3),
        ("conditional", "coco", 3.0, 0.3),
    ],
)
def test_siamese_t3_weights_are_those_of_the_released_configurations(
    model: str, source: str, feature: float, whole: float
) -> None:
    found = settings("siamese", model, source)
    assert found.weights.model_dump(by_alias=True) == {
        "label": 1.0,
        "box": 5.0,
        "giou": 2.0,
        "feature": feature,
        "global": whole,
    }
    assert found.cost.model_dump() == {"label": 1.0, "box": 5.0, "giou": 2.0}
    assert found.box_jitter == 0.1 and not found.mimic_padded_pool


@pytest.mark.parametrize(
    "name, feature, whole",
    [("siamese-loc", 0.0, 0.0), ("siamese-loc-region", 5.0, 0.0), ("siamese-loc-global", 0.0, 10.0)],
)
def test_ablations_take_terms_away_and_change_nothing_else(name: str, feature: float, whole: float) -> None:
    found = settings(name, "conditional", "imagenet")
    full = settings("siamese", "conditional", "imagenet")
    weights = full.weights.model_copy(update={"feature": feature, "global_": whole})
    assert found == full.model_copy(update={"weights": weights})


@pytest.mark.parametrize(
    "name, views",
    [
        ("siamese-tau30", "siamese-pairs-tau30"),
        ("siamese-tau70", "siamese-pairs-tau70"),
        ("siamese-random-boxes", "siamese-pairs-random"),
    ],
)
def test_other_views_are_the_only_difference(name: str, views: str) -> None:
    full = settings("siamese", "conditional", "coco")
    assert settings(name, "conditional", "coco") == full.model_copy(update={"views": views})
