"""The files of `params/proposers/`: each is valid; the demo's differs from the papers' where it says so."""

from pathlib import Path

import pytest

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.proposals.settings import EdgeBoxesSettings, Proposer, SelectiveSearchSettings

PARAMS = Params(Path(__file__).parents[2] / "params")


def settings(name: str) -> Proposer:
    return Composer(PARAMS, "paper").proposer(name)


@pytest.mark.parametrize("name", PARAMS.names("proposers"))
def test_every_proposer_is_valid(name: str) -> None:
    found = settings(name)
    assert found.rankings >= 1
    assert isinstance(found, SelectiveSearchSettings) or found.most >= 9


def test_siamese_boxes_are_at_most_512_of_a_forest_if_there_is_one() -> None:
    found = settings("edgeboxes")
    assert isinstance(found, EdgeBoxesSettings)
    assert (found.most, found.edges, found.model) == (512, "auto", "model.yml.gz")
    assert found.model_url.endswith(found.model)


def test_the_demo_needs_no_file_and_changes_the_search_alone() -> None:
    changes = {"edges": "gradient", "most": 32, "alpha": 0.6, "beta": 0.6}
    changes |= {"max_aspect_ratio": 2.5, "min_box_area": 250.0}
    assert settings("edgeboxes-demo") == settings("edgeboxes").model_copy(update=changes)


@pytest.mark.parametrize(
    "name, mode, size, colours, rankings",
    [
        ("selective-search", "fast", 128, "rgb", 10),
        ("selective-search-native", "fast", None, "rgb", 1),
        ("selective-search-bgr", "fast", 128, "bgr", 1),
        ("selective-search-quality", "quality", 128, "rgb", 1),
    ],
)
def test_detreg_t6_t7_each_selective_search_says_size_and_order_of_colours(
    name: str, mode: str, size: int | None, colours: str, rankings: int
) -> None:
    found = settings(name)
    assert isinstance(found, SelectiveSearchSettings)
    assert (found.mode, found.size, found.colours, found.rankings) == (mode, size, colours, rankings)


@pytest.mark.parametrize("scale", ["smoke", "demo"])
def test_small_scales_have_as_many_rankings_as_draws(scale: str) -> None:
    compose = Composer(PARAMS, scale)
    found = compose.proposer("selective-search")
    assert found == settings("selective-search").model_copy(update={"rankings": found.rankings})
    assert found.rankings == compose.scale.view["draws"]
