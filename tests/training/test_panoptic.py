"""Panoptic segmentation from beginning to end: boxes of segments, then masks on a detector that stays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from sdetr.data.dataset import Dataset
from sdetr.data.prepare import prepare
from sdetr.data.settings import DatasetSettings
from sdetr.evaluation.panoptic import panoptic_quality, read_panoptic
from sdetr.evaluation.resamples import read_resamples
from sdetr.evaluation.stage import evaluate_run
from sdetr.interop.detectors import load_detector, read_card, save_detector
from sdetr.interop.weights import read_weights, save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.training.finetune import finetune
from sdetr.training.settings import ProtocolSettings
from tests.training.conftest import write_yaml

BOXES, MASKS = "finetune/boxes/detr/tiny/seed0", "finetune/masks/detr/tiny+boxes/seed0"
TRUNK = {"arch": "resnet18", "width": 16}
CLASSES = ["striped-disc", "dotted-square"]
LEARNED = {"attention": "per_head", "weights": {"focal": 1.0, "dice": 1.0}, "confident": 0.2, "speck_px": 4}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of the first part."""
    root = tmp_path_factory.mktemp("panoptic")
    for split, images in (("train", 8), ("val", 5)):
        recipe = {"kind": "scenes", "images": images, "size": [48, 64], "objects": [1, 3], "odd": 0.5}
        recipe |= {"object_px": [16, 30], "visible": 0.8, "split": split, "seed": 0}
        said = {"layout": "coco", "split": split, "panoptic": f"annotations/panoptic_{split}2017.json"}
        said |= {"generate": recipe, "classes": CLASSES}
        prepare(DatasetSettings.model_validate(said), "shapes", root / f"raw/shapes/{split}.json")
    torch.manual_seed(0)
    save_weights(ResNet(TrunkSettings(**TRUNK)), root / "tiny.safetensors", {"kind": "backbone"})  # type: ignore[arg-type]
    three = {"label": 1.0, "box": 5.0, "giou": 2.0}
    model = {"variant": "detr", "queries": 8, "width": 32, "heads": 2, "ffn": 32, "encoder_layers": 1}
    model |= {"decoder_layers": 2, "dropout": 0.1, "temperature": 20.0, "prenorm": True}
    model |= {"detection": {"cost": three, "weights": three, "no_object": 0.1}}
    protocol = {"task": "panoptic_boxes", "dataset": "shapes", "test": "shapes", "epochs": 2, "drop": []}
    protocol |= {"steps_per_epoch": 2.0, "batch": 4, "lr": 1e-3, "lr_backbone": 0.0, "weight_decay": 1e-4}
    protocol |= {"clip": 0.1, "save_every_s": 0.0, "evaluate_every": 1, "micro_batch": 2}
    protocol |= {"augment": {"flip": 0.5, "short": [40, 48], "longest": 64}}
    protocol |= {"resize": {"short": 48, "longest": 64}}
    return {
        "stage": "finetune",
        "recipe": 1,
        "seed": 0,
        "protocol": protocol,
        "model": model,
        "trunk": TRUNK,
        "train": str(root / "raw/shapes/train.json"),
        "test": str(root / "raw/shapes/val.json"),
    }


def masks_of(settings: dict[str, Any]) -> dict[str, Any]:
    protocol = settings["protocol"] | {"task": "panoptic_masks", "masks": LEARNED}
    return settings | {"protocol": protocol, "fresh": ["mask_head."]}


@pytest.fixture(scope="module")
def scale(settings: dict[str, Any]) -> Path:
    """Both parts, trained."""
    root = Path(settings["train"]).parents[2]
    finetune(
        write_yaml(root / "boxes.yaml", settings), root / "tiny.safetensors", root / "demo" / BOXES, "cpu"
    )
    init = root / "demo" / BOXES / "weights.safetensors"
    finetune(write_yaml(root / "masks.yaml", masks_of(settings)), init, root / "demo" / MASKS, "cpu")
    return root / "demo"


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_weights(run / "weights.safetensors")[0]


def test_boxes_are_of_things_and_stuff(scale: Path) -> None:
    predictions = json.loads((scale / BOXES / "predictions.json").read_text())
    assert predictions["classes"] == [*sorted(CLASSES), "sky", "wall", "ground", "water", "grass"]
    assert not (scale / BOXES / "panoptic.json").exists()


def test_masks_leave_all_of_the_detector_as_it_was_to_the_bit(scale: Path) -> None:
    before, after = weights(scale / BOXES), weights(scale / MASKS)
    new = after.keys() - before.keys()
    assert new and all(name.startswith("mask_head.") for name in new)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_detectors_file_says_that_it_has_a_mask_head_and_opens_alone(scale: Path) -> None:
    detector, card = load_detector(scale / MASKS / "weights.safetensors")
    assert card.model.mask_attention == "per_head" and detector.mask_head is not None
    assert load_detector(scale / BOXES / "weights.safetensors")[1].model.mask_attention is None


def test_a_run_declares_its_segments_and_they_are_cocos_files(scale: Path, settings: dict[str, Any]) -> None:
    run, test = scale / MASKS, Dataset(Path(settings["test"]))
    record = json.loads((run / "run.json").read_text())
    assert "panoptic.json" in record["outputs"]
    content = json.loads((run / "panoptic.json").read_text())
    assert [row["isthing"] for row in content["categories"]] == [1, 1, 0, 0, 0, 0, 0]
    sizes = dict(zip(test.ids, test.sizes, strict=True))
    assert {row["image_id"] for row in content["annotations"]} == set(test.ids)
    found = 0
    for row in content["annotations"]:
        ids = np.asarray(Image.open(run / "panoptic" / row["file_name"])).astype(int) @ [1, 256, 65536]
        assert ids.shape == sizes[row["image_id"]]
        assert set(np.unique(ids)) - {0} == {info["id"] for info in row["segments_info"]}
        found += len(row["segments_info"])
    assert found and (run / "pictures/segments.png").exists()


def test_the_evaluation_gives_the_last_numbers_of_the_curve_and_ap_of_masks(
    scale: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    run, test = scale / MASKS, Path(settings["test"])
    how = {"stage": "evaluate", "recipe": 1, "test": str(test), "panoptic": str(run / "panoptic.json")}
    file = write_yaml(tmp_path / "metrics.yaml", how | {"resamples": 20})
    evaluate_run(file, run / "predictions.json", tmp_path / "metrics.json")
    result = json.loads((tmp_path / "metrics.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if "test/PQ" in line][-1]
    curve = {name.removeprefix("test/"): v for name, v in last.items() if name.startswith("test/")}
    assert curve.items() <= result["metrics"].items() and curve.keys() >= {"PQ", "SQ-st", "RQ"}
    assert result["metrics"].keys() - curve.keys() >= {"AP", "AP-mask"}
    answers = read_panoptic(run / "panoptic.json", tuple(Dataset(test).classes))
    assert panoptic_quality(test, answers) == curve
    drawn = read_resamples(tmp_path / "resamples.json")
    assert drawn.metrics.keys() >= {"PQ", "PQ-st", "AP"} and "AP-mask" not in drawn.metrics
    assert drawn.metrics["PQ"].shape == (20,)


def test_a_finished_run_without_its_segments_is_made_again(scale: Path, settings: dict[str, Any]) -> None:
    run, init = scale / MASKS, scale / BOXES / "weights.safetensors"
    before = (run / "run.json").stat().st_mtime_ns
    finetune(scale.parent / "masks.yaml", init, run, "cpu")
    assert (run / "run.json").stat().st_mtime_ns == before
    (run / "panoptic").rename(run / "gone")
    finetune(scale.parent / "masks.yaml", init, run, "cpu")
    assert (run / "panoptic").is_dir() and (run / "run.json").stat().st_mtime_ns > before
    for path in (run / "gone").iterdir():
        assert (run / "panoptic" / path.name).read_bytes() == path.read_bytes()


def test_a_start_of_other_classes_is_refused(scale: Path, settings: dict[str, Any], tmp_path: Path) -> None:
    tensors, metadata = read_weights(scale / BOXES / "weights.safetensors")
    card = read_card(metadata, tmp_path)
    other = card.model_copy(update={"classes": tuple(reversed(card.classes))})
    save_detector(tensors, tmp_path / "other.safetensors", other)
    file = write_yaml(tmp_path / "masks.yaml", masks_of(settings))
    with pytest.raises(ValueError, match=r"other\.safetensors finds other classes than .*train\.json"):
        finetune(file, tmp_path / "other.safetensors", tmp_path / "demo" / MASKS, "cpu")


@pytest.mark.parametrize(
    "change, said",
    [
        ({"masks": None}, "masks: missing, task: panoptic_masks"),
        ({"task": "panoptic_boxes"}, "masks: given, task: panoptic_boxes"),
        ({"lr_backbone": 1e-4}, "a mask head learns alone; give lr_backbone 0"),
        ({"train": "heads"}, "a mask head learns alone"),
    ],
)
def test_a_protocol_of_masks_trains_nothing_else(
    settings: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    protocol = {k: v for k, v in (masks_of(settings)["protocol"] | change).items() if v is not None}
    with pytest.raises(ValueError, match=said):
        ProtocolSettings.model_validate(yaml.safe_load(yaml.safe_dump(protocol)))
