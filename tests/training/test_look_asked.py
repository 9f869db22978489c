"""What is shown of one-shot detection is what is measured of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.training.look_asked import Asker
from sdetr.training.one_shot import weights_of
from tests.training.test_one_shot_answers import Case, case

__all__ = ["case"]
CPU = torch.device("cpu")


def weights(case: Case, folder: Path, **card: Any) -> Path:
    run, path = case.run, folder / "weights.safetensors"
    said = {"model": run.model, "trunk": run.trunk, "classes": ("match",), "query_px": 32} | card
    save_detector(weights_of(case.objective), path, DetectorCard(**said))
    return path


def test_answers_are_those_to_the_first_question_of_the_first_class(case: Case, tmp_path: Path) -> None:
    path, size = weights(case, tmp_path), case.run.protocol.resize
    measured, shown = case.found(keep=100), Asker(path, case.dataset, size, 0.0, CPU)
    of_image, of_pass = np.array(measured["image_id"]), measured["pass"]
    asked = 0
    for row, image_id in enumerate(case.dataset.ids):
        if not case.asked[row]:
            continue
        sample, first = case.dataset[row], case.asked[row][0]
        mine = (of_image == image_id) & (of_pass == 1) & (measured["label"] == first.label)
        found = shown(sample)
        np.testing.assert_allclose(found["scores"], measured["score"][mine], rtol=1e-5)
        assert set(found["labels"].tolist()) == {first.label}
        height, width = sample.image.shape[1:]
        corners = found["boxes"] * torch.tensor([width, height, width, height])
        left, top, wide, high = measured["box_xywh_px"][mine].T
        wanted = np.stack([left, top, left + wide, top + high], axis=1)
        np.testing.assert_allclose(corners, wanted, atol=1e-3)
        torch.testing.assert_close(found["patches"][0].permute(2, 0, 1), case.pool.crop(first.crop))
        asked += 1
    assert asked > 1


def test_only_answers_that_are_sure_enough_are_kept_and_the_best_is_told_anyway(
    case: Case, tmp_path: Path
) -> None:
    row = next(n for n, those in enumerate(case.asked) if those)
    sample, size, path = case.dataset[row], case.run.protocol.resize, weights(case, tmp_path)
    scores = Asker(path, case.dataset, size, 0.0, CPU)(sample)["scores"]
    some = Asker(path, case.dataset, size, float(scores[1]), CPU)(sample)
    assert some["scores"].tolist() == scores[:1].tolist() and some["best"] == scores[0]
    none = Asker(path, case.dataset, size, 1.0, CPU)(sample)
    assert not len(none["boxes"]) and none["best"] == scores[0]


def test_a_detector_that_is_asked_nothing_is_refused(case: Case, tmp_path: Path) -> None:
    path = weights(case, tmp_path, query_px=None)
    with pytest.raises(ValueError, match="is not of one-shot detection"):
        Asker(path, case.dataset, case.run.protocol.resize, 0.7, CPU)
