"""Learning a few images by heart: a detector can, and nothing but these images and its settings matters."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.models.settings import ModelSettings, TrunkSettings
from sdetr.training.overfit import Overfitting, first_with_objects
from sdetr.training.settings import ProtocolSettings


@pytest.fixture
def overfitting(finetune_settings: dict[str, Any]) -> Overfitting:
    """A conditional detector, two images with an object or two each."""
    protocol = finetune_settings["protocol"] | {"epochs": 200, "drop": [], "evaluate_every": 20, "ema": None}
    del protocol["steps_per_epoch"], protocol["micro_batch"]
    protocol |= {"lr": 3e-3, "lr_backbone": 3e-3, "clip": 1.0}
    model = finetune_settings["model"] | {"width": 32, "dropout": 0.0}
    return Overfitting(
        ModelSettings.model_validate(model),
        TrunkSettings.model_validate(finetune_settings["trunk"]),
        ProtocolSettings.model_validate(protocol),
        Path(finetune_settings["train"]),
        images=2,
        device="cpu",
    )


def changed(overfitting: Overfitting, **changes: Any) -> Overfitting:
    protocol = ProtocolSettings.model_validate(overfitting.protocol.said() | changes)
    return replace(overfitting, protocol=protocol)


def test_a_detector_learns_images_by_heart_and_stops_when_it_does(overfitting: Overfitting) -> None:
    steps, found = zip(*((p.step, p.metrics["AP50"]) for p in overfitting.points(enough=90)), strict=True)
    assert steps == tuple(range(0, 20 * len(steps), 20)) and len(steps) > 1
    assert found[-1] >= 90 and max(found[:-1]) < 90


def test_one_that_does_not_goes_on_to_the_end(overfitting: Overfitting) -> None:
    slow = changed(overfitting, lr=1e-9, lr_backbone=0.0, epochs=5, evaluate_every=2)
    points = list(slow.points())
    assert [point.step for point in points] == [0, 2, 4, 5]
    assert points[-1].metrics["AP50"] < 50


def test_nothing_but_the_first_images_and_the_settings_matters(
    overfitting: Overfitting, tmp_path: Path
) -> None:
    short = changed(overfitting, epochs=3, evaluate_every=3)
    index = Index.load(short.index)
    first_with_objects(index, 2, short.index).save(tmp_path / "two.json")
    points = list(short.points())
    assert list(short.points()) == points
    assert list(replace(short, index=tmp_path / "two.json").points()) == points
    flipping = {"flip": 1.0, "short": [24, 32, 40], "longest": 64}
    assert list(changed(short, augment=flipping).points()) == points


def test_images_without_an_object_teach_nothing_and_are_passed_over() -> None:
    rows = [ImageRow(n, f"{n}.jpg", 9, 9) for n in (7, 3, 5, 1)]
    boxes = [Annotation(1, 0, (0, 0, 2, 2), 4.0), Annotation(3, 0, (0, 0, 2, 2), 4.0, crowd=True)]
    boxes += [Annotation(5, 0, (0, 0, 3, 2), 6.0), Annotation(5, 0, (0, 0, 2, 3), 6.0, crowd=True)]
    index = Index("x", Path("x"), ["cat"], rows, boxes)
    one = first_with_objects(index, 1, Path("x.json"))
    assert [row.id for row in one.images] == [5]
    assert one.annotations == boxes[2:]
    assert [row.id for row in first_with_objects(index, 8, Path("x.json")).images] == [5, 1]


@pytest.mark.parametrize("objects, reached", [(1, 100), (100, 100), (105, 95), (150, 66), (200, 50)])
def test_nobody_is_asked_for_more_than_perfect_answers_reach(
    overfitting: Overfitting, tmp_path: Path, objects: int, reached: float
) -> None:
    row = ImageRow(3, "3.jpg", 99, 999)
    boxes = [Annotation(3, 0, (4.0 * k, 0.0, 3.0, 3.0), 9.0) for k in range(objects)]
    boxes.append(Annotation(3, 0, (0.0, 0.0, 99.0, 99.0), 9801.0, crowd=True))
    index = Index("x", tmp_path, ["cat", "dog"], [row], boxes)
    index.save(tmp_path / "full.json")
    found = replace(overfitting, index=tmp_path / "full.json").reachable()
    assert found == pytest.approx(reached, abs=0.7)


def test_a_data_set_without_objects_is_refused(overfitting: Overfitting, tmp_path: Path) -> None:
    content = json.loads(overfitting.index.read_text())
    (tmp_path / "none.json").write_text(json.dumps(content | {"annotations": []}))
    with pytest.raises(ValueError, match=r"none\.json: none of its 10 images has an object"):
        list(replace(overfitting, index=tmp_path / "none.json").points())


def test_more_objects_than_queries_are_refused(overfitting: Overfitting) -> None:
    short = replace(changed(overfitting, epochs=1, evaluate_every=1), images=10)  # up to three objects
    few, many = (replace(short, model=short.model.model_copy(update={"queries": n})) for n in (2, 3))
    with pytest.raises(ValueError, match=r"image 24 has 3 objects, but conditional finds at most 2.*least 3"):
        list(few.points())
    assert len(list(many.points())) == 2
