"""Answers: which are kept, in which order, and in which pixels."""

import pytest
import torch
from torch import Tensor

from sdetr.models.answers import loudest
from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from sdetr.types import Predictions
from tests.models.small import CLASSES, padded_view, small_detector


@pytest.fixture(scope="module", params=list(VARIANTS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return small_detector(request.param)


def test_softmax_answers_are_one_class_per_query() -> None:
    detector = small_detector("detr")
    logits = torch.full((1, 1, 3, CLASSES + 1), -9.0)
    logits[0, 0, 0, 2], logits[0, 0, 1, 4], logits[0, 0, 2, CLASSES] = 5.0, 9.0, 9.0
    (answer,) = detector.answers(_predictions(logits), torch.tensor([[100.0, 200.0]]), keep=2)
    assert answer.labels.tolist() == [4, 2]
    assert answer.scores.tolist() == sorted(answer.scores.tolist(), reverse=True)
    assert answer.boxes_xyxy_px.tolist() == pytest.approx(_boxes_px([1, 0]))


def test_focal_answers_are_the_best_pairs_of_query_and_class() -> None:
    detector = small_detector("conditional")
    logits = torch.full((1, 1, 3, CLASSES), -9.0)
    logits[0, 0, 2, 1], logits[0, 0, 2, 3], logits[0, 0, 0, 0] = 3.0, 2.0, 1.0
    (answer,) = detector.answers(_predictions(logits), torch.tensor([[100.0, 200.0]]), keep=3)
    assert answer.labels.tolist() == [1, 3, 0]  # one query may answer twice
    torch.testing.assert_close(answer.scores, torch.tensor([3.0, 2.0, 1.0]).sigmoid())
    assert answer.boxes_xyxy_px.tolist() == pytest.approx(_boxes_px([2, 2, 0]))


@pytest.mark.parametrize("none", [-9.0, 9.0])
def test_the_answers_of_one_logit_are_ranked_by_it_alone_as_it_is(none: float) -> None:
    """DETReg's trap T23: after a softmax or over all classes, other queries would come first."""
    logits = torch.full((1, 1, 3, 3), -9.0)
    logits[0, 0, 1, 2] = none
    logits[..., 0] = torch.tensor([7.0, -7.0, 0.0])
    logits[..., 1] = torch.tensor([-2.0, 4.0, 3.0])
    (answer,) = loudest(_predictions(logits), 1, torch.tensor([[100.0, 200.0]]), keep=2)
    assert answer.scores.tolist() == [4.0, 3.0]
    assert answer.labels.tolist() == [0, 0]
    assert answer.boxes_xyxy_px.tolist() == pytest.approx(_boxes_px([1, 2]))


@torch.no_grad()
@pytest.mark.parametrize("keep, expected", [(4, 4), (1000, None)])
def test_no_more_answers_than_asked_for(detector: Detector, keep: int, expected: int | None) -> None:
    view = padded_view()
    most = 7 * CLASSES if detector.focal else 7
    answers = detector.answers(detector(view), torch.tensor([[96.0, 100.0], [70.0, 128.0]]), keep)
    assert [len(answer.scores) for answer in answers] == [expected or most] * 2
    assert all(answer.labels.max() < CLASSES for answer in answers)


def _predictions(logits: Tensor) -> Predictions:
    boxes = torch.tensor([[0.5, 0.5, 0.2, 0.4], [0.25, 0.5, 0.1, 0.2], [0.75, 0.25, 0.5, 0.5]])
    return Predictions(logits, boxes[None, None], torch.zeros(1, 1, 3, 64), None)


def _boxes_px(queries: list[int]) -> list[list[float]]:
    """In an image 100 px high and 200 px wide."""
    known = [[80, 30, 120, 70], [40, 40, 60, 60], [100, 0, 200, 50]]
    return [pytest.approx(known[query], abs=1e-4) for query in queries]
