"""What a one-shot detector answers about a test set depends on image and crop, and on nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Dataset
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.models.detector import Detector
from sdetr.objectives.looks import crop_features
from sdetr.objectives.one_shot import OneShot
from sdetr.training import one_shot as one_shot_module
from sdetr.training.one_shot import predict_asked
from sdetr.training.ranks import ALONE, Ranks
from sdetr.training.settings import FinetuneRun
from sdetr.types import View
from sdetr.views.queries import QueryPool, questions
from tests.training.one_shot_runs import one_shot_settings
from tests.training.test_infer import Dealt

COLUMNS = ("image_id", "label", "pass", "score", "box_xywh_px")


@pytest.fixture
def case(finetune_settings: dict[str, Any], tmp_path: Path) -> "Case":
    run = FinetuneRun.model_validate(one_shot_settings(finetune_settings, tmp_path))
    torch.manual_seed(0)
    objective = OneShot(Detector(run.model, run.trunk, 1), run.model.detection).eval()
    return Case(run, objective, Dataset(Path(run.test)))


class Case:
    def __init__(self, run: FinetuneRun, objective: OneShot, dataset: Dataset) -> None:
        assert run.protocol.query is not None
        self.run, self.objective, self.dataset = run, objective, dataset
        self.pool = QueryPool(dataset, run.protocol.query.crop_px)
        self.asked = questions(self.pool, dataset.ids, run.protocol.query)

    def found(self, keep: int = 3, ranks: Ranks = ALONE) -> dict[str, Any]:
        resize = self.run.protocol.resize
        return predict_asked(self.objective, self.dataset, self.pool, self.asked, resize, keep, ranks=ranks)


def test_every_question_has_its_answers_and_an_image_without_objects_none(case: Case) -> None:
    found = case.found()
    rows = list(zip(found["image_id"], found["label"].tolist(), found["pass"].tolist(), strict=True))
    expected = {
        (image_id, one.label, one.turn): 3
        for image_id, those in zip(case.dataset.ids, case.asked, strict=True)
        for one in those
    }
    assert {row: rows.count(row) for row in rows} == expected
    assert any(not those for those in case.asked)
    assert found["classes"] == ["red", "lime", "blue"]


@torch.no_grad()
def test_an_answer_is_that_to_one_image_and_one_crop_alone(case: Case) -> None:
    found, at = case.found(), 0
    by_image = {}
    for view, sizes_px in test_views(case.dataset, case.run.protocol.resize, most=1):
        by_image[view.image_ids[0]] = view, sizes_px[0]
    for image_id in dict.fromkeys(found["image_id"]):
        view, size_px = by_image[image_id]
        for one in case.asked[case.dataset.ids.index(image_id)]:
            crop = case.pool.crop(one.crop)[None]
            padding = torch.zeros(1, *crop.shape[2:], dtype=torch.bool)
            shown = normalise(View(crop, padding, [0], crops=crop[:, None]))
            looks = crop_features(case.objective.detector, shown)[:, 0]
            said = case.objective.find(case.objective.detector.encode(normalise(view)), looks)
            scores, best = said.logits[-1, 0, :, 0].sigmoid().topk(3)
            np.testing.assert_allclose(found["score"][at : at + 3], scores, rtol=1e-5)
            corners = cxcywh_to_xyxy(said.boxes[-1, 0, best]) * size_px.flip(0).repeat(2)
            corners = torch.minimum(corners.clamp(min=0), size_px.flip(0).repeat(2))
            wanted = torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], dim=1)
            np.testing.assert_allclose(found["box_xywh_px"][at : at + 3], wanted, atol=1e-3)
            at += 3
    assert at == len(found["score"])


def test_how_many_are_answered_at_once_changes_no_answer(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    together = case.found()
    monkeypatch.setattr(one_shot_module, "AT_ONCE", 1)
    monkeypatch.setattr(
        "sdetr.training.one_shot.test_views", lambda *given, **how: test_views(*given, most=1, **how)
    )
    alone = case.found()
    for name in COLUMNS[:3]:
        assert list(together[name]) == list(alone[name])
    np.testing.assert_allclose(together["score"], alone["score"], atol=1e-5)
    np.testing.assert_allclose(together["box_xywh_px"], alone["box_xywh_px"], atol=1e-3)


@pytest.mark.parametrize("most, world", [(16, 2), (1, 2), (1, 6), (16, 3)])
def test_ranks_answer_together_as_one_does_alone_to_the_bit(
    case: Case, monkeypatch: pytest.MonkeyPatch, most: int, world: int
) -> None:
    """Of six views one has no objects, so that a rank has no answer; with three ranks one has no view."""
    monkeypatch.setattr(
        "sdetr.training.one_shot.test_views", lambda *given, **how: test_views(*given, most=most, **how)
    )
    left: list[Any] = []
    for rank in range(1, world):
        assert case.found(ranks=Dealt(rank, world, left)) == {}
    together, alone = case.found(ranks=Dealt(0, world, left)), case.found()
    assert together.keys() == alone.keys() == {"classes", *COLUMNS}
    for name, column in alone.items():
        np.testing.assert_array_equal(together[name], column)
