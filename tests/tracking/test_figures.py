"""Figures in MLflow: the picture as one, what is drawn as files."""

from pathlib import Path

from sdetr.tracking.observe import Observer
from tests.tracking.conftest import Tree


def test_a_figure_is_shown_as_a_picture_and_its_numbers_are_files(whole: Tree) -> None:
    figure = whole.plan.of("figure")[0]
    portrait = Observer(whole.plan, whole.root).portrait(figure)
    assert portrait is not None
    assert [one.path for one in portrait.pictures] == [whole.root / figure.outputs["png"]]
    assert portrait.pictures[0].key == figure.settings["id"]
    assert {Path(name).suffix for name in portrait.files} == {".csv", ".json", ".svg"}
    assert set(portrait.outputs) == set(figure.outputs)
