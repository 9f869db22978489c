"""UP-DETR shown crops of labelled boxes: what it answers without dropout, and which crops they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Dataset, Sample
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.look_settings import PatchesSettings, SearchSettings
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.objectives.looks import crop_features
from sdetr.objectives.updetr import Updetr
from sdetr.training.look_one import seen
from sdetr.training.look_patches import Searcher, largest, searching
from tests.models.small import model_settings, trunk_settings
from tests.objectives.small_patches import PATCHES, QUERIES, small_updetr, updetr_settings

SIZE, CPU = ResizeSettings(short=64, longest=96), torch.device("cpu")
COLOUR = {"jitter": 1.0, "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "gray": 0.2}
COLOUR |= {"blur": 0.5, "blur_px": [0.1, 2.0]}  # type: ignore[dict-item]
NO_COLOUR = COLOUR | {"jitter": 0.0, "gray": 0.0, "blur": 0.0}


@pytest.fixture
def objective() -> Updetr:
    return small_updetr("detr")


def what(folder: Path, objective: Updetr, **colour: Any) -> SearchSettings:
    """Files as the pretext leaves them, and what it was."""
    tensors = objective.state_dict()
    heads = {key: value for key, value in tensors.items() if not key.startswith("detector.")}
    model = model_settings("detr", queries=QUERIES, dropout=0.0)
    kept = {
        key.removeprefix("detector."): value
        for key, value in tensors.items()
        if key.startswith("detector.") and not key.startswith("detector.class_head.")
    }
    card = DetectorCard(model=model, trunk=trunk_settings(), classes=())
    save_detector(kept, folder / "weights.safetensors", card)
    save_tensors(heads, folder / "pretext.safetensors", {"kind": "pretext"})
    views = {"kind": "crops", "sampler": {"kind": "patches", "layout": "random", "min_px": 8}, "draws": 1}
    views |= {"regions": PATCHES, "crop_px": 32, "colour": colour or NO_COLOUR}
    files = {"init": str(folder / "weights.safetensors"), "heads": str(folder / "pretext.safetensors")}
    pretext = updetr_settings(query_dropout=0.9).said()  # of training alone
    return SearchSettings.model_validate({"kind": "search", **files, "pretext": pretext, "views": views})


def sample_with(rectangles: Path, objects: int) -> Sample:
    images = Dataset(rectangles / "raw/rectangles/test.json")
    return next(one for one in map(images.__getitem__, range(len(images))) if len(one.labels) == objects)


@pytest.mark.parametrize("objects", [1, 3])
def test_answers_are_those_of_the_pretext_about_its_crops(objective, tmp_path, rectangles, objects) -> None:
    """Fewer crops than it knows are searched by fewer queries; every query is about one of them."""
    sample, said = sample_with(rectangles, objects), what(tmp_path, objective)
    found = Searcher(said, PatchesSettings(kind="patches", above=0.0, seed=0), SIZE, CPU)(sample)
    each = QUERIES // PATCHES
    assert found["patches"].shape == (objects, 32, 32, 3) and len(found["boxes"]) == objects * each
    view = seen(sample, SIZE, CPU, found["patches"].permute(0, 3, 1, 2))
    with torch.no_grad():
        detector = objective.detector
        wanted = objective.find(detector.encode(view), crop_features(detector, view))
    chances = wanted.logits[-1, 0].softmax(-1)[:, 1]
    torch.testing.assert_close(found["scores"], chances.sort(descending=True)[0])
    boxes = cxcywh_to_xyxy(wanted.boxes[-1, 0]).clamp(0, 1)
    torch.testing.assert_close(found["boxes"], boxes[chances.argsort(descending=True)])
    assert (found["labels"] == found["queries"] // each).all()
    torch.testing.assert_close(found["best"], torch.stack([part.max() for part in chances.split(each)]))


def test_only_answers_that_are_sure_enough_are_kept_and_the_best_is_told_anyway(
    objective, tmp_path, rectangles
) -> None:
    sample, said = sample_with(rectangles, 3), what(tmp_path, objective)

    def ask(above: float) -> dict[str, torch.Tensor]:
        return Searcher(said, PatchesSettings(kind="patches", above=above, seed=0), SIZE, CPU)(sample)

    scores = ask(0.0)["scores"]
    middle = float(scores[2])
    torch.testing.assert_close(ask(middle)["scores"], scores[:2])
    nothing = ask(1.0)
    assert len(nothing["boxes"]) == 0 and nothing["best"].max() == scores[0]


def test_patches_are_the_largest_labelled_boxes_as_the_image_has_them(
    objective, tmp_path, rectangles
) -> None:
    sample = sample_with(rectangles, 3)
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in sample.boxes_xyxy_px.tolist()]
    order = sorted(range(3), key=lambda i: -areas[i])
    torch.testing.assert_close(largest(sample, 2), sample.boxes_xyxy_px[order[:2]])
    found = Searcher(
        what(tmp_path, objective), PatchesSettings(kind="patches", above=0.0, seed=0), SIZE, CPU
    )(sample)
    height, width = sample.image.shape[1:]
    cut = found["cut"].numpy() * [width, height, width, height]
    np.testing.assert_allclose(cut, sample.boxes_xyxy_px[order], atol=1e-4)
    x0, y0, x1, y1 = (round(v) for v in cut[0])
    middle = sample.image[:, (y0 + y1) // 2, (x0 + x1) // 2]
    assert found["patches"][0, 16, 16].tolist() == middle.tolist()


def test_colours_are_the_pretexts_and_follow_from_the_seed(objective, tmp_path, rectangles) -> None:
    sample = sample_with(rectangles, 3)

    def colours(seed: int, **colour: Any) -> torch.Tensor:
        said = what(tmp_path, objective, **colour)
        torch.manual_seed(seed + 100)  # what else was drawn does not matter
        return Searcher(said, PatchesSettings(kind="patches", above=0.0, seed=seed), SIZE, CPU)(sample)[
            "patches"
        ]

    plain, one, again, other = colours(0), colours(1, **COLOUR), colours(1, **COLOUR), colours(2, **COLOUR)
    assert (one == again).all() and (one != other).any() and (one != plain).any()


def test_files_of_another_pretext_are_refused(objective, tmp_path) -> None:
    said = what(tmp_path, objective)
    save_tensors({"class_head.weight": torch.zeros(3, 64)}, Path(said.heads), {"kind": "pretext"})
    with pytest.raises(ValueError, match="does not fit"):
        searching(said)
