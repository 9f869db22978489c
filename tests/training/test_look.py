"""What figures show of detectors: what they answer, of the images that they answer about."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdetr.data.dataset import Dataset
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.look_settings import LookRun
from sdetr.evaluation.looked import Looked, read_looked
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import read_weights, save_tensors
from sdetr.models.detector import Detector
from sdetr.proposals.store import write_proposals
from sdetr.training.explain import surest
from sdetr.training.infer import predict
from sdetr.training.look import look
from sdetr.training.pretrained import as_pretrained
from sdetr.training.settings import FinetuneRun
from tests.training.conftest import COLOURS
from tests.training.test_measure import DETREG, pretrained

SIZE = ResizeSettings(short=32, longest=48)
LABELLED = [10, 17, 24, 38]  # the fixture's images have 0, 1, 2, 3, 0, 1 objects
Look = Callable[..., Looked]


@pytest.fixture
def run(finetune_settings: dict[str, Any]) -> FinetuneRun:
    """A tiny detector, its trunk, and the test set."""
    model = finetune_settings["model"] | {"dropout": 0.0, "queries": 6}
    return FinetuneRun.model_validate(finetune_settings | {"model": model})


@pytest.fixture
def look_at(tmp_path: Path, run: FinetuneRun, as_yaml: Callable[..., Path]) -> Look:
    """Looks, and reads what was written."""

    def looked(what: dict[str, Any], show: dict[str, Any], test: str = run.test, **changes: Any) -> Looked:
        protocol = {"task": "pictures", "dataset": "rectangles", "resize": SIZE.model_dump(), "show": show}
        said = {"stage": "look", "recipe": 1, "protocol": protocol | changes, "test": test, "what": what}
        out = tmp_path / "demo/evaluate/proto/model/start/seed0"
        look(as_yaml(tmp_path / "settings.yaml", LookRun.model_validate(said).said()), out, "cpu")
        return read_looked(out / "looks.npz")

    return looked


def fractions(images: Dataset, image_id: int) -> np.ndarray:
    height, width = images.sizes[images.ids.index(image_id)]
    return np.array([width, height, width, height])


def test_detreg_t23_pictures_rank_by_what_metrics_rank_by(tmp_path, run, look_at) -> None:
    """As many boxes as labels, the first of those that are measured: by the logit of "object" as it is."""
    what = pretrained(tmp_path, run, DETREG, None)
    looked, images = look_at(what, {"kind": "boxes"}), Dataset(Path(run.test))
    detector = as_pretrained(Path(what["init"]), Path(what["heads"]))
    found = predict(detector, images, SIZE, 100, logit=1)
    assert list(looked.ids) == LABELLED and looked.classes == COLOURS
    for image_id, shown in zip(looked.ids, looked.images, strict=True):
        mine = np.flatnonzero(np.array(found["image_id"]) == image_id)[: len(shown.truth)]
        assert len(shown.boxes) == len(mine) == len(images[images.ids.index(image_id)].labels)
        np.testing.assert_allclose(shown.scores, found["score"][mine], atol=1e-5)
        x, y, w, h = found["box_xywh_px"][mine].T
        boxes_px = np.stack([x, y, x + w, y + h], axis=1)
        np.testing.assert_allclose(shown.boxes * fractions(images, image_id), boxes_px, atol=1e-3)


def test_images_are_the_first_by_number_that_have_labels_as_they_are(tmp_path, run, look_at) -> None:
    what, images = pretrained(tmp_path, run, DETREG, None), Dataset(Path(run.test))
    looked = look_at(what, {"kind": "boxes"}, images=2)
    assert list(looked.ids) == LABELLED[:2]
    for image_id, shown in zip(looked.ids, looked.images, strict=True):
        sample = images[images.ids.index(image_id)]
        assert (shown.pixels == sample.image.permute(1, 2, 0).numpy()).all()
        np.testing.assert_allclose(shown.truth * fractions(images, image_id), sample.boxes_xyxy_px, atol=1e-4)
        assert shown.names.tolist() == sample.labels.tolist()
    small = look_at(what, {"kind": "boxes"}, shown_px=24)
    assert max(small.images[0].pixels.shape) == 24


def test_crowds_are_neither_labels_nor_a_reason_for_more_boxes(tmp_path, run, look_at) -> None:
    index = json.loads(Path(run.test).read_text())
    index["info"]["root"] = str(Path(run.test).parent)
    for row in index["annotations"]:
        row["iscrowd"] = int(row["image_id"] == LABELLED[0] or row["id"] == 2)
    (tmp_path / "crowds.json").write_text(json.dumps(index))
    looked = look_at(
        pretrained(tmp_path, run, DETREG, None), {"kind": "boxes"}, test=str(tmp_path / "crowds.json")
    )
    assert list(looked.ids) == LABELLED[1:]  # the first has nothing but a crowd
    assert [len(shown.boxes) for shown in looked.images] == [1, 3, 1]
    assert [len(shown.truth) for shown in looked.images] == [1, 3, 1]


def test_attention_is_what_explain_shows_of_the_same_queries(tmp_path, run, look_at) -> None:
    what, images = pretrained(tmp_path, run, DETREG, None), Dataset(Path(run.test))
    looked = look_at(what, {"kind": "attention", "count": 3}, images=1)
    detector = as_pretrained(Path(what["init"]), Path(what["heads"]))
    wanted = surest(detector, images[1].image, SIZE, None, 3)
    (shown,) = looked.images
    assert shown.queries.tolist() == [one.number for one in wanted]
    np.testing.assert_allclose(shown.boxes, np.stack([one.box_xyxy for one in wanted]), atol=1e-5)
    np.testing.assert_allclose(shown.maps, np.stack([one.looks for one in wanted]), atol=1e-5)


def finetuned(folder: Path, run: FinetuneRun) -> dict[str, Any]:
    torch.manual_seed(4)
    detector = Detector(run.model, run.trunk, len(COLOURS))
    card = DetectorCard(model=run.model, trunk=run.trunk, classes=COLOURS)
    save_detector(detector.state_dict(), folder / "weights.safetensors", card)
    return {"kind": "finetuned", "init": str(folder / "weights.safetensors")}


def test_detections_are_the_answers_that_are_sure_enough_and_their_classes(tmp_path, run, look_at) -> None:
    what, images = finetuned(tmp_path, run), Dataset(Path(run.test))
    torch.manual_seed(4)
    found = predict(Detector(run.model, run.trunk, len(COLOURS)).eval(), images, SIZE, 100)
    above = float(np.median(found["score"]))
    looked = look_at(what, {"kind": "detections", "above": above})
    assert looked.above == above
    for image_id, shown in zip(looked.ids, looked.images, strict=True):
        mine = (np.array(found["image_id"]) == image_id) & (found["score"] > above)
        assert shown.labels.tolist() == found["label"][mine].tolist()
        np.testing.assert_allclose(shown.scores, found["score"][mine], atol=1e-5)
    nothing = look_at(what, {"kind": "detections", "above": 1.0}, images=1).images[0]
    assert len(nothing.boxes) == 0 and nothing.best == pytest.approx(looked.images[0].scores[:1])


def test_slots_are_the_first_queries_boxes_in_every_image_of_the_set(tmp_path, run, look_at) -> None:
    what, images = finetuned(tmp_path, run), Dataset(Path(run.test))
    looked = look_at(what, {"kind": "slots", "count": 4})
    assert list(looked.ids) == images.ids and looked.slots.shape == (len(images), 4, 4)
    torch.manual_seed(4)
    detector = Detector(run.model, run.trunk, len(COLOURS)).eval()
    for view, _ in test_views(images, SIZE, most=1):
        with torch.no_grad():
            wanted = detector(normalise(view)).boxes[-1, 0, :4]
        np.testing.assert_allclose(looked.slots[images.ids.index(view.image_ids[0])], wanted, atol=1e-5)


def test_proposals_are_the_first_ones_as_many_as_labels(tmp_path, run, look_at) -> None:
    images = Dataset(Path(run.test))
    boxes = {i: np.array([[n, n, n + 100.0, n + 9.0] for n in range(5)], np.float32) for i in images.ids}
    rows = [(i, boxes[i], np.zeros(5, np.float32)) for i in sorted(boxes)]
    write_proposals(tmp_path / "boxes.parquet", rows, lambda: {"left_out": {}})
    looked = look_at({"kind": "proposer", "proposals": str(tmp_path / "boxes.parquet")}, {"kind": "boxes"})
    for image_id, shown in zip(looked.ids, looked.images, strict=True):
        wanted = (boxes[image_id][: len(shown.truth)] / fractions(images, image_id)).clip(0, 1)
        np.testing.assert_allclose(shown.boxes, wanted, atol=1e-6)


def test_the_same_look_has_the_same_bytes_and_its_record_names_what_was_read(tmp_path, run, look_at) -> None:
    what = pretrained(tmp_path, run, DETREG, None)
    out = tmp_path / "demo/evaluate/proto/model/start/seed0"
    first = look_at(what, {"kind": "boxes"}) and (out / "looks.npz").read_bytes()
    assert look_at(what, {"kind": "boxes"}) and (out / "looks.npz").read_bytes() == first
    record = json.loads((out / "run.json").read_text())
    assert record["stage"] == "look" and list(record["outputs"]) == ["looks.npz"]
    assert {slot: said["path"] for slot, said in record["inputs"].items()} == {
        "settings": str(tmp_path / "settings.yaml"),
        "test": run.test,
        "init": what["init"],
        "heads": what["heads"],
    }


@pytest.mark.parametrize(
    "kind, show, message",
    [
        ("finetuned", {"kind": "boxes"}, "what is finetuned cannot show boxes"),
        ("finetuned", {"kind": "gradients"}, "what is finetuned cannot show gradients"),
        ("pretrained", {"kind": "detections", "above": 0.7}, "what is pretrained cannot show detections"),
        ("pretrained", {"kind": "slots", "count": 7}, "7 slots, but the detector has 6 queries"),
        ("pretrained", {"kind": "gradients"}, r"no key embedding_head\.\*, expected what DETReg threw away"),
    ],
)
def test_what_a_detector_cannot_show_is_refused(tmp_path, run, look_at, kind, show, message) -> None:
    what = finetuned(tmp_path, run) if kind == "finetuned" else pretrained(tmp_path, run, DETREG, None)
    with pytest.raises(ValueError, match=message):
        look_at(what, show)
    assert not list(tmp_path.rglob("looks.npz"))


def test_images_without_labels_are_no_pictures(tmp_path, run, look_at) -> None:
    what = pretrained(tmp_path, run, DETREG, None)
    bare = json.loads(Path(run.test).read_text()) | {"annotations": []}
    bare["info"]["root"] = str(Path(run.test).parent)
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    with pytest.raises(ValueError, match="no image has a label"):
        look_at(what, {"kind": "boxes"}, test=str(tmp_path / "bare.json"))


def test_gradients_are_of_the_box_that_is_surest_and_use_the_pretexts_head(tmp_path, run, look_at) -> None:
    what = pretrained(tmp_path, run, DETREG, None)
    thrown, _ = read_weights(Path(what["heads"]))
    torch.manual_seed(9)
    head = {"layers.0.weight": torch.randn(16, 16), "layers.0.bias": torch.randn(16)}
    head |= {"layers.1.weight": torch.randn(8, 16), "layers.1.bias": torch.randn(8)}
    kept = dict(thrown) | {f"embedding_head.{key}": value for key, value in head.items()}
    save_tensors(kept, Path(what["heads"]), {"kind": "pretext"})
    looked = look_at(what, {"kind": "gradients"}, images=1)
    best = look_at(what, {"kind": "boxes"}, images=1).images[0]
    (shown,) = looked.images
    assert shown.maps.shape == (3, *shown.pixels.shape[:2]) and (shown.maps >= 0).all()
    np.testing.assert_array_equal(shown.boxes[0], best.boxes[0])
    assert shown.maps[2].sum() > 0
    first = shown.maps[2].copy()
    save_tensors(
        kept | {"embedding_head.layers.1.weight": 2 * head["layers.1.weight"]}
        | {"embedding_head.layers.1.bias": 2 * head["layers.1.bias"]},
        Path(what["heads"]), {"kind": "pretext"},
    )  # fmt: skip
    again = look_at(what, {"kind": "gradients"}, images=1).images[0]
    np.testing.assert_allclose(again.maps[2], 2 * first, rtol=1e-4)  # Σ|2z|
    np.testing.assert_array_equal(again.maps[:2], shown.maps[:2])
