"""The files of `params/proposers/`: each is valid; the demo's differs from the papers' where it says so."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sdetr.config.layers import Params
from sdetr.proposals.settings import EdgeBoxesSettings, Proposer, RandomBoxesSettings

PARAMS = Params(Path(__file__).parents[2] / "params")


def settings(name: str) -> EdgeBoxesSettings | RandomBoxesSettings:
    found: EdgeBoxesSettings | RandomBoxesSettings = TypeAdapter(Proposer).validate_python(
        PARAMS.resolve("proposers", name).values
    )
    return found


@pytest.mark.parametrize("name", PARAMS.names("proposers"))
def test_every_proposer_is_valid(name: str) -> None:
    assert settings(name).most >= 9


def test_siamese_boxes_are_at_most_512_of_a_forest_if_there_is_one() -> None:
    found = settings("edgeboxes")
    assert isinstance(found, EdgeBoxesSettings)
    assert (found.most, found.edges, found.model) == (512, "auto", "model.yml.gz")
    assert found.model_url.endswith(found.model)


def test_the_demo_needs_no_file_and_changes_the_search_alone() -> None:
    changes = {"edges": "gradient", "most": 32, "alpha": 0.6, "beta": 0.6}
    changes |= {"max_aspect_ratio": 2.5, "min_box_area": 250.0}
    assert settings("edgeboxes-demo") == settings("edgeboxes").model_copy(update=changes)
