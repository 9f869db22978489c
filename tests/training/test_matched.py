"""Which query answers for which object of a test set, against trying every assignment."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy, giou
from sdetr.data.dataset import Dataset
from sdetr.evaluation.errors import errors
from sdetr.evaluation.predictions import read_predictions
from sdetr.interop.detectors import load_detector
from sdetr.models.settings import Weights3
from sdetr.training.finetune import finetune
from sdetr.training.infer import predict
from sdetr.training.matched import Matched
from sdetr.types import Predictions
from tests.models.small import padded_view, random_boxes

COST = Weights3(label=1.0, box=5.0, giou=2.0)


def cheapest(logits: Tensor, boxes: Tensor, label: Tensor, box: Tensor) -> tuple[int, ...]:
    """The query of each object, the best of all N-tuples: (Q, C) logits and (Q, 4), (N,) and (N, 4)."""

    def cost(queries: tuple[int, ...]) -> float:
        total = 0.0
        for n, query in enumerate(queries):
            apart = (boxes[query] - box[n]).abs().sum()
            overlap = giou(cxcywh_to_xyxy(boxes[query]), cxcywh_to_xyxy(box[n]))
            total += float(5 * apart - 2 * overlap - logits[query].softmax(-1)[label[n]])
        return total

    return min(itertools.permutations(range(len(boxes)), len(box)), key=cost)


def test_the_cheapest_assignment_of_the_last_layer_is_told_object_by_object() -> None:
    view = padded_view(sizes=((64, 64), (64, 64), (64, 64)))  # three, none and one object
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 3, 5, 6, generator=generator)
    boxes = torch.stack([random_boxes(15, generator).view(3, 5, 4) for _ in range(2)])
    said = Predictions(logits, boxes, torch.zeros(2, 3, 5, 8), [])
    pairs = Matched(COST, focal=False)
    pairs.add(said, view)
    expected = [
        (view.image_ids[i], n, int(logits[-1, i, query].argmax()), boxes[-1, i, query].tolist())
        for i in range(3)
        for n, query in enumerate(cheapest(logits[-1, i], boxes[-1, i], view.labels[i], view.boxes[i]))
    ]
    columns = pairs.columns()
    found = list(zip(*(list(columns[name]) for name in columns), strict=True))
    assert [(i, int(n), int(label), box.tolist()) for i, n, label, box in found] == expected
    assert len(found) == 4


def test_of_equal_queries_one_answers_and_no_object_goes_without() -> None:
    view = padded_view(sizes=((64, 64),))
    same = Predictions(torch.zeros(1, 1, 5, 6), torch.full((1, 1, 5, 4), 0.5), torch.zeros(1, 1, 5, 8), [])
    pairs = Matched(COST, focal=True)
    pairs.add(same, view)
    assert pairs.columns()["object"].tolist() == [0, 1, 2] and set(pairs.columns()["label"]) == {0}


@pytest.fixture
def made(
    finetune_settings: dict[str, Any],
    backbone_file: Path,
    tmp_path: Path,
    as_yaml: Callable[[Path, dict[str, Any]], Path],
) -> Path:
    finetune_settings["protocol"]["matched"] = True
    out = tmp_path / "demo/finetune/proto/conditional/tiny/seed0"
    finetune(as_yaml(tmp_path / "settings.yaml", finetune_settings), backbone_file, out, "cpu")
    return out


def test_a_run_whose_protocol_wants_it_tells_of_its_end_once(
    made: Path, finetune_settings: dict[str, Any]
) -> None:
    test = Path(finetune_settings["test"])
    predictions = read_predictions(made / "predictions.json")
    objects = len(json.loads(test.read_text())["annotations"])
    assert len(predictions["matched"]["object"]) == objects  # five queries, at most three objects
    detector, card = load_detector(made / "weights.safetensors")
    assert card.resize is not None
    pairs = Matched(card.model.detection.cost, focal=True)
    predict(detector, Dataset(test), card.resize, 100, also=pairs.add)
    assert errors(test, predictions) == pytest.approx(
        errors(test, predictions | {"matched": pairs.columns()})
    )
    assert errors(test, predictions).keys() == {"class-error", "box-error"}
