"""What is found without fine-tuning: by a detector with the class head of its pretext, and by a proposer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sdetr.data.dataset import Dataset
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.evaluation.predictions import read_predictions
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.models.detector import Detector
from sdetr.proposals.store import write_proposals
from sdetr.training.measure import measure
from sdetr.training.settings import FinetuneRun

Run = Callable[..., dict[str, Any]]
DETREG = ("unused-0", "object", "unused-2")


@pytest.fixture
def like(finetune_settings: dict[str, Any]) -> Callable[[str], FinetuneRun]:
    """A tiny detector of a variant, its trunk, and the test set."""

    def settings(variant: str = "conditional") -> FinetuneRun:
        changes: dict[str, Any] = {"variant": variant, "dropout": 0.0}
        if variant == "detr":
            changes["detection"] = finetune_settings["model"]["detection"] | {"no_object": 0.1}
        if variant == "dn_dab":
            changes["denoising"] = {"groups": 1, "label_noise": 0.2, "box_noise": 0.4}
        model = finetune_settings["model"] | changes
        return FinetuneRun.model_validate(finetune_settings | {"model": model})

    return settings


@pytest.fixture
def measured(tmp_path: Path, rectangles: Path, as_yaml: Callable[..., Path]) -> Run:
    """Measures, and reads what was written."""

    def run(what: dict[str, Any], keep: int = 100) -> dict[str, Any]:
        protocol = {"task": "proposals", "dataset": "rectangles", "logits": 7, "max_detections": keep}
        protocol["resize"] = {"short": 32, "longest": 48}
        test = str(rectangles / "raw/rectangles/test.json")
        said = {"stage": "measure", "recipe": 1, "protocol": protocol, "test": test, "what": what}
        out = tmp_path / "demo/evaluate/proto/model/start/seed0"
        measure(as_yaml(tmp_path / "settings.yaml", said), out, "cpu")
        return read_predictions(out / "predictions.json") | json.loads((out / "run.json").read_text())

    return run


def pretrained(
    folder: Path, run: FinetuneRun, classes: tuple[str, ...], head: nn.Linear | None
) -> dict[str, Any]:
    """Files as a pretext leaves them, the second with its class head, or with something else."""
    torch.manual_seed(3)
    detector = Detector(run.model, run.trunk, max(len(classes), 1))
    idle = () if classes else run.model.of_classes
    kept = {key: value for key, value in detector.state_dict().items() if not key.startswith(idle)}
    card = DetectorCard(model=run.model, trunk=run.trunk, classes=classes)
    save_detector(kept, folder / "weights.safetensors", card)
    thrown = {f"class_head.{key}": value for key, value in head.state_dict().items()} if head else {}
    save_tensors(thrown or {"other": torch.zeros(1)}, folder / "pretext.safetensors", {"kind": "pretext"})
    files = {"init": str(folder / "weights.safetensors"), "heads": str(folder / "pretext.safetensors")}
    return {"kind": "pretrained", **files}


@torch.no_grad()
def second_logits(run: FinetuneRun, classes: int, head: nn.Module | None = None) -> dict[int, list[float]]:
    """Image → the logit of "object" of all queries, best first, of the detector that `pretrained` saves."""
    torch.manual_seed(3)
    detector = Detector(run.model, run.trunk, classes).eval()
    found = {}
    for view, _ in test_views(Dataset(Path(run.test)), run.protocol.resize):
        said = detector(normalise(view))
        logits = said.logits[-1] if head is None else head(said.hidden[-1])
        found |= dict(zip(view.image_ids, logits[..., 1].sort(descending=True)[0].tolist(), strict=True))
    return found


def scores_of(found: dict[str, Any]) -> dict[int, list[float]]:
    ids, scores = np.array(found["image_id"]), np.array(found["score"])
    return {int(image): scores[ids == image].tolist() for image in dict.fromkeys(found["image_id"])}


def agrees(found: dict[str, Any], wanted: dict[int, list[float]]) -> bool:
    scores = scores_of(found)
    return scores.keys() == wanted.keys() and all(
        scores[i] == pytest.approx(wanted[i], abs=1e-5) for i in wanted
    )


@pytest.mark.parametrize("variant", ["detr", "conditional"])
def test_a_detector_that_learned_objects_itself_is_asked_with_its_own_head(tmp_path, like, measured, variant):
    run = like(variant)
    found = measured(pretrained(tmp_path, run, DETREG, None))
    assert agrees(found, second_logits(run, len(DETREG)))
    assert found["classes"] == ["object"] and set(found["label"]) == {0}
    assert found["dataset"] == "rectangles"


@pytest.mark.parametrize("variant", ["detr", "conditional", "dn_dab"])
def test_one_whose_pretext_had_a_head_of_its_own_is_asked_with_that(tmp_path, like, measured, variant):
    """UP-DETR and Siamese DETR: three logits on every family, the second for regions; no patch is shown."""
    run, head = like(variant), nn.Linear(16, 3)
    found = measured(pretrained(tmp_path, run, (), head))
    assert agrees(found, second_logits(run, 1, head))


def test_an_untrained_detector_is_drawn_from_its_seed_alone(tmp_path, like, measured, backbone_file):
    run = like()
    drawn = {"kind": "untrained", "init": str(backbone_file)}
    drawn |= {"model": run.model.said(), "trunk": run.trunk.said()}
    first, again, other = (measured(drawn | {"seed": seed}) for seed in (0, 0, 1))
    assert first["box_xywh_px"] == again["box_xywh_px"] != other["box_xywh_px"]
    assert first["score"] == again["score"]


def test_a_proposer_is_measured_by_its_first_boxes_all_equally_sure(tmp_path, like, measured):
    images = Dataset(Path(like().test))
    rng = np.random.default_rng(0)
    corners = {i: rng.uniform(0, 20, (n, 2)).astype(np.float32) for n, i in enumerate(images.ids, 1)}
    boxes = {i: np.hstack([corner, corner + 100]) for i, corner in corners.items()}  # beyond the image
    rows = [(i, boxes[i], np.zeros(len(boxes[i]), np.float32)) for i in sorted(boxes)]
    write_proposals(tmp_path / "boxes.parquet", rows, lambda: {"left_out": {}})
    found = measured({"kind": "proposer", "proposals": str(tmp_path / "boxes.parquet")}, keep=3)
    assert set(found["score"]) == {1.0} and set(found["label"]) == {0}
    wanted = [
        [x, y, width - x, height - y]
        for i, (height, width) in zip(images.ids, images.sizes, strict=True)
        for x, y in corners[i][:3].tolist()
    ]
    np.testing.assert_allclose(found["box_xywh_px"], wanted, rtol=1e-5)
    assert scores_of(found) == {i: [1.0] * min(n, 3) for n, i in enumerate(images.ids, 1)}


def test_the_record_names_everything_that_was_read(tmp_path, like, measured):
    what = pretrained(tmp_path, like(), DETREG, None)
    record = measured(what)
    assert record["stage"] == "measure" and record["run"] == "evaluate/proto/model/start/seed0"
    assert {slot: said["path"] for slot, said in record["inputs"].items()} == {
        "settings": str(tmp_path / "settings.yaml"),
        "test": like().test,
        "init": what["init"],
        "heads": what["heads"],
    }
    assert list(record["outputs"]) == ["predictions.json"] and record["classes"] == ["object"]
    copy = tmp_path / record["run"].join(["demo/", "/settings.yaml"])
    assert copy.read_bytes() == (tmp_path / "settings.yaml").read_bytes()


@pytest.mark.parametrize(
    "classes, head, message",
    [
        (
            ("cat", "dog"),
            nn.Linear(16, 3),
            r"classes cat, dog, expected that class 1 is 'object'.*fine-tuned",
        ),
        (("cat",), nn.Linear(16, 3), "classes cat, expected that class 1 is 'object'"),
        ((), None, r"pretext\.safetensors has no key class_head\.\*.*pretrain it again"),
        ((), nn.Linear(16, 4), r"pretext\.safetensors does not fit"),
    ],
)
def test_a_detector_that_cannot_say_object_is_refused(tmp_path, like, measured, classes, head, message):
    with pytest.raises(ValueError, match=message):
        measured(pretrained(tmp_path, like(), classes, head))
    assert not list(tmp_path.rglob("predictions.json"))
