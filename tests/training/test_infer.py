from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdetr.data.dataset import Dataset
from sdetr.evaluation.boxes import evaluate
from sdetr.models.detector import Detector
from sdetr.training.infer import clipped_xywh_px, predict
from sdetr.training.ranks import Ranks
from sdetr.training.settings import FinetuneRun


def test_boxes_are_clipped_to_the_image() -> None:
    boxes = torch.tensor([[-5.0, 2, 7, 90], [3, 4, 10, 12], [60, 60, 70, 70]])
    found = clipped_xywh_px(boxes, torch.tensor([40.0, 50.0]))  # (H, W)
    assert found.tolist() == [[0, 2, 7, 38], [3, 4, 7, 8], [50, 40, 0, 0]]


def test_every_image_is_answered_with_at_most_so_many_answers(finetune_settings: dict[str, Any]) -> None:
    run = FinetuneRun.model_validate(finetune_settings)
    torch.manual_seed(0)
    detector = Detector(run.model, run.trunk, 3).eval()
    dataset = Dataset(Path(run.test))
    found = predict(detector, dataset, run.protocol.resize, 4)
    ids, counts = np.unique(found["image_id"], return_counts=True)
    assert ids.tolist() == dataset.ids
    assert set(counts.tolist()) == {4}
    assert {len(found[name]) for name in ("image_id", "label", "box_xywh_px", "score")} == {24}
    assert found["classes"] == ["red", "lime", "blue"]
    sizes = dict(zip(dataset.ids, dataset.sizes, strict=True))
    for image_id, (x, y, width, height) in zip(found["image_id"], found["box_xywh_px"], strict=True):
        assert x + width <= sizes[image_id][1] + 1e-3
        assert y + height <= sizes[image_id][0] + 1e-3


@pytest.mark.parametrize("head", ["class_head", "box_head"])
def test_fault_40_a_detector_that_says_nan_has_no_ap_but_an_error_that_names_images(
    finetune_settings: dict[str, Any], head: str
) -> None:
    run = FinetuneRun.model_validate(finetune_settings)
    detector = Detector(run.model, run.trunk, 3).eval()
    for parameter in detector.get_submodule(head).parameters():
        parameter.data.fill_(torch.nan)
    found = predict(detector, Dataset(Path(run.test)), run.protocol.resize, 4)
    with pytest.raises(
        ValueError, match=r"24 of 24 detections \(in image 3: 4, .* not finite; did the training"
    ):
        evaluate(Path(run.test), found | {"dataset": "rectangles"})


def test_updetr_t23_an_image_is_answered_alike_whatever_its_neighbours(
    finetune_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FinetuneRun.model_validate(finetune_settings)
    torch.manual_seed(0)
    detector = Detector(run.model, run.trunk, 3).eval()
    dataset = Dataset(Path(run.test))
    together = predict(detector, dataset, run.protocol.resize, 5)
    from sdetr.data import loader

    monkeypatch.setattr(
        "sdetr.training.infer.test_views", lambda *given, **how: loader.test_views(*given, most=1, **how)
    )
    alone = predict(detector, dataset, run.protocol.resize, 5)
    assert together["image_id"] == alone["image_id"]
    np.testing.assert_allclose(together["score"], alone["score"], atol=1e-5)
    np.testing.assert_allclose(together["box_xywh_px"], alone["box_xywh_px"], atol=1e-3)


@dataclass(frozen=True)
class Dealt(Ranks):
    """One after the other, not side by side: the leading one comes last, and finds what the others left."""

    left: list[Any] = field(default_factory=list)

    def gathered(self, value: Any) -> list[Any]:
        if self.leads:
            return [value, *self.left]
        self.left.append(value)
        return []


@pytest.mark.parametrize("most, world", [(16, 2), (1, 2), (1, 4), (16, 3)])
def test_ranks_answer_together_as_one_does_alone_to_the_bit(
    finetune_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, most: int, world: int
) -> None:
    """Of two views, of six; with three ranks one has none."""
    from sdetr.data import loader

    views = loader.test_views
    monkeypatch.setattr(
        "sdetr.training.infer.test_views", lambda *given, **how: views(*given, most=most, **how)
    )
    run = FinetuneRun.model_validate(finetune_settings)
    torch.manual_seed(0)
    detector, dataset = Detector(run.model, run.trunk, 3).eval(), Dataset(Path(run.test))
    left: list[Any] = []
    for rank in range(1, world):
        assert predict(detector, dataset, run.protocol.resize, 5, ranks=Dealt(rank, world, left)) == {}
    together = predict(detector, dataset, run.protocol.resize, 5, ranks=Dealt(0, world, left))
    alone = predict(detector, dataset, run.protocol.resize, 5)
    assert together.keys() == alone.keys()
    for name, column in alone.items():
        np.testing.assert_array_equal(together[name], column)
