"""A one-shot detection from beginning to end, and what its file is good for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdetr.config.base import SettingsError
from sdetr.data.dataset import Dataset
from sdetr.evaluation.one_shot import one_shot
from sdetr.evaluation.predictions import read_predictions
from sdetr.interop.detectors import load_detector
from sdetr.interop.weights import read_weights
from sdetr.objectives.one_shot import OneShot
from sdetr.training.finetune import detection_of, finetune
from sdetr.training.one_shot import load_one_shot, predict_asked
from sdetr.training.settings import FinetuneRun
from sdetr.views.queries import QueryPool, questions
from tests.training.one_shot_runs import CHANNELS, UNSEEN, WIDTH, heads_file, one_shot_settings

CPU = torch.device("cpu")
Write = Callable[[Path, dict[str, Any]], Path]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("one-shot")


@pytest.fixture
def settings(finetune_settings: dict[str, Any], place: Path) -> dict[str, Any]:
    return one_shot_settings(finetune_settings, place) | {"heads": str(heads_file(place))}


@pytest.fixture
def run(settings: dict[str, Any], place: Path, backbone_file: Path, as_yaml: Write) -> Path:
    """Made by the first test that asks for it."""
    out = place / "demo/finetune/proto/conditional/tiny/seed0"
    if not out.exists():
        finetune(as_yaml(place / "settings.yaml", settings), backbone_file, out, "cpu")
    return out


def test_a_finished_run_has_the_usual_files_and_numbers_of_each_class(
    run: Path, settings: dict[str, Any]
) -> None:
    assert {path.name for path in run.iterdir()} == {
        "weights.safetensors",
        "settings.yaml",
        "metrics.jsonl",
        "predictions.json",
        "run.json",
        "pictures",
    }
    record = json.loads((run / "run.json").read_text())
    assert record["classes"] == ["red", "lime", "blue"]
    assert record["inputs"].keys() == {"settings", "init", "train", "test", "heads"}
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    again = one_shot(Path(settings["test"]), read_predictions(run / "predictions.json"), [UNSEEN])
    assert {name.removeprefix("test/"): v for name, v in last.items() if name.startswith("test/")} == again
    assert again.keys() >= {"AP50-seen", "AP50-unseen", "AP50-blue"}


def test_its_file_alone_answers_the_same_again(run: Path, settings: dict[str, Any]) -> None:
    objective, card = load_one_shot(run / "weights.safetensors")
    assert (card.query_px, card.classes) == (32, ("match",))
    protocol, test_set = FinetuneRun.model_validate(settings).protocol, Dataset(Path(settings["test"]))
    assert protocol.query is not None
    pool = QueryPool(test_set, 32)
    asked = questions(pool, test_set.ids, protocol.query)
    found = predict_asked(objective, test_set, pool, asked, protocol.resize, protocol.max_detections)
    written = read_predictions(run / "predictions.json")
    for name in ("image_id", "label", "pass"):
        assert list(found[name]) == written[name]
    for name in ("score", "box_xywh_px"):
        np.testing.assert_array_equal(found[name], np.asarray(written[name], np.float32))


def test_its_file_is_no_detector_that_answers_without_a_crop(run: Path) -> None:
    with pytest.raises(ValueError, match="of one-shot detection: it finds what a crop shows"):
        load_detector(run / "weights.safetensors")


def test_another_detectors_file_is_no_one_shot_detectors(run: Path, tmp_path: Path) -> None:
    from sdetr.interop.detectors import read_card, save_detector

    tensors, metadata = read_weights(run / "weights.safetensors")
    card = read_card(metadata, run)
    said = card.model_copy(update={"query_px": None})
    save_detector(tensors, tmp_path / "other.safetensors", said)
    with pytest.raises(ValueError, match="not of one-shot detection"):
        load_one_shot(tmp_path / "other.safetensors")


def begun(settings: dict[str, Any], init: Path | None) -> OneShot:
    objective = detection_of(FinetuneRun.model_validate(settings), 3, init, CPU)
    assert isinstance(objective, OneShot)
    return objective


def test_what_makes_a_query_of_a_crop_is_kept_from_the_pretraining_or_drawn(
    settings: dict[str, Any], finetune_settings: dict[str, Any], backbone_file: Path
) -> None:
    kept, _ = read_weights(Path(settings["heads"]))
    one = begun(settings, backbone_file)
    assert torch.equal(one.to_query.weight, kept["to_query.weight"])
    assert torch.equal(one.to_query.bias, kept["to_query.bias"])
    fresh = {name: value for name, value in settings.items() if name != "heads"}
    two = begun(fresh, backbone_file)
    assert two.to_query.weight.shape == (WIDTH, CHANNELS)
    assert not torch.equal(two.to_query.weight, kept["to_query.weight"])
    # The rest of the detector is drawn as that of a detection is.
    plain = detection_of(FinetuneRun.model_validate(finetune_settings), 1, backbone_file, CPU).detector
    for name, value in plain.state_dict().items():
        assert torch.equal(two.detector.state_dict()[name], value), name


def test_a_pretext_that_asks_nothing_is_refused_as_heads(
    settings: dict[str, Any], backbone_file: Path, run: Path
) -> None:
    with pytest.raises(ValueError, match="does not fit: 0 of 2 keys match"):
        begun(settings | {"heads": str(backbone_file)}, backbone_file)


def test_a_one_shot_detector_starts_detections_and_one_shot_detections(
    settings: dict[str, Any], finetune_settings: dict[str, Any], run: Path
) -> None:
    weights = run / "weights.safetensors"
    fresh = {"fresh": ["class_head."]}
    tensors, _ = read_weights(weights)
    again = begun(settings | fresh | {"heads": str(weights)}, weights)
    assert torch.equal(again.to_query.weight, tensors["to_query.weight"])
    plain = detection_of(FinetuneRun.model_validate(finetune_settings | fresh), 3, weights, CPU)
    assert torch.equal(plain.detector.queries.position, tensors["queries.position"])


def test_training_images_that_show_an_unseen_class_are_refused(
    settings: dict[str, Any],
    finetune_settings: dict[str, Any],
    tmp_path: Path,
    backbone_file: Path,
    as_yaml: Write,
) -> None:
    whole = as_yaml(tmp_path / "settings.yaml", settings | {"train": finetune_settings["train"]})
    with pytest.raises(ValueError, match="has objects of class 'blue', which is to be unseen"):
        finetune(whole, backbone_file, tmp_path / "demo/finetune/proto/conditional/tiny/seed0", "cpu")


@pytest.mark.parametrize(
    "change, said",
    [
        ({"query": None}, "query: missing; a class is asked for by a crop by task one_shot"),
        ({"task": "detection"}, "query: given; nothing is asked for by task detection"),
        ({"matched": True}, "matched: true: not of task one_shot"),
        ({"train": "heads", "lr_backbone": 0.0}, "train: heads: not of task one_shot"),
    ],
)
def test_a_protocol_that_asks_and_does_not_is_refused(
    settings: dict[str, Any],
    tmp_path: Path,
    backbone_file: Path,
    as_yaml: Write,
    change: dict[str, Any],
    said: str,
) -> None:
    broken = settings | {"protocol": settings["protocol"] | change}
    file = as_yaml(tmp_path / "settings.yaml", broken)
    with pytest.raises(SettingsError, match=said):
        finetune(file, backbone_file, tmp_path / "demo/finetune/proto/conditional/tiny/seed0", "cpu")
