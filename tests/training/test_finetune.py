import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from sdetr.config.base import SettingsError
from sdetr.evaluation.boxes import evaluate
from sdetr.evaluation.predictions import read_predictions
from sdetr.interop.detectors import load_detector
from sdetr.interop.weights import read_weights
from sdetr.training.finetune import finetune

RUN = "finetune/proto/conditional/tiny/seed0"
Write = Callable[[Path, dict[str, Any]], Path]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_weights(run / "weights.safetensors")[0]


def curve(path: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in line.items() if not k.startswith(("time", "system/"))} for line in lines]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One uninterrupted run, made by the first test that asks for it."""
    return {"root": tmp_path_factory.mktemp("finished")}


@pytest.fixture
def run(
    finished: dict[str, Path], finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Write
) -> Path:
    out = finished["root"] / "demo" / RUN
    if not out.exists():
        finetune(as_yaml(finished["root"] / "settings.yaml", finetune_settings), backbone_file, out, "cpu")
    return out


def test_a_finished_run_has_all_declared_files_and_no_state(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    declared = {
        "weights.safetensors",
        "settings.yaml",
        "metrics.jsonl",
        "predictions.json",
        "run.json",
        "pictures",
    }
    assert names == declared
    state = run.parents[4] / "state" / RUN
    assert {path.name for path in state.iterdir()} == {"metrics.jsonl", "run.json", "train.log", "lock"}
    assert "training Detection" in (state / "train.log").read_text()


def test_fault_46_a_finished_run_is_not_trained_a_second_time(
    finished: dict[str, Path], run: Path, backbone_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    finetune(finished["root"] / "settings.yaml", backbone_file, run, "cpu")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    assert "finished on " in caplog.text and "starts" not in caplog.text


def test_the_record_chains_the_digests_of_inputs_and_outputs(run: Path, backbone_file: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    assert (record["run"], record["stage"], record["seed"]) == (RUN, "finetune", 0)
    assert record["classes"] == ["red", "lime", "blue"]
    assert record["inputs"]["settings"]["sha256"] == digest(run / "settings.yaml")
    assert record["inputs"]["init"]["sha256"] == digest(backbone_file)
    assert record["inputs"].keys() == {"settings", "init", "train", "test"}
    assert record["outputs"] == {
        name: digest(run / name) for name in ("weights.safetensors", "predictions.json", "metrics.jsonl")
    }
    assert [start["step"] for start in record["starts"]] == [0]
    seconds = record["seconds"]
    assert 0 < seconds["training"] + seconds["evaluation"] <= seconds["total"]
    assert record["peak_memory_bytes"] > 10**7
    assert record["versions"].keys() >= {"torch", "torchvision", "numpy", "python", "sdetr"}


def test_the_curve_has_start_drop_and_end_and_its_last_point_is_what_predictions_give(
    run: Path, finetune_settings: dict[str, Any]
) -> None:
    lines = curve(run / "metrics.jsonl")
    points = {line["epoch"]: line for line in lines if "test/AP" in line}
    assert list(points) == [0.0, 2.0, 3.0]
    again = evaluate(Path(finetune_settings["test"]), read_predictions(run / "predictions.json"))
    assert {
        name.removeprefix("test/"): v for name, v in points[3.0].items() if name.startswith("test/")
    } == again
    trained = [line for line in lines if "train/total" in line]
    assert trained[-1]["step"] == 6
    assert trained[0].keys() >= {
        f"train/{aux}{term}" for aux in ("", "aux_") for term in ("label", "box", "giou")
    }
    assert (trained[0]["train/lr"], trained[-1]["train/lr"]) == pytest.approx((1e-3, 1e-4))


def test_weights_say_what_they_are_and_open_the_next_run(
    run: Path, finetune_settings: dict[str, Any], tmp_path: Path, as_yaml: Write
) -> None:
    detector, card = load_detector(run / "weights.safetensors")
    assert card.classes == ("red", "lime", "blue") and not detector.training
    assert card.model.said() == finetune_settings["model"] and card.trunk.said() == finetune_settings["trunk"]
    assert card.resize is not None and card.resize.said() == finetune_settings["protocol"]["resize"]
    finetune_settings["fresh"] = ["class_head."]
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
    out = tmp_path / "demo" / "finetune/proto/conditional/next/seed0"
    finetune(settings, run / "weights.safetensors", out, "cpu")
    assert json.loads((out / "run.json").read_text())["outputs"]["weights.safetensors"] == digest(
        out / "weights.safetensors"
    )


def test_the_picture_is_a_picture(run: Path) -> None:
    with Image.open(run / "pictures" / "test.png") as picture:
        assert picture.size == (960, 640)
        assert len(picture.getcolors(2**20) or []) > 3


def test_fault_45_killed_by_the_system_at_a_random_step_it_ends_with_the_same_bits(
    run: Path, finetune_settings: dict[str, Any], backbone_file: Path, tmp_path: Path, as_yaml: Write
) -> None:
    settings, out = as_yaml(tmp_path / "settings.yaml", finetune_settings), tmp_path / "demo" / RUN
    call = """if True:
        import pathlib, sys
        from sdetr.training.finetune import finetune
        finetune(*map(pathlib.Path, sys.argv[1:]), "cpu")"""
    state = tmp_path / "demo" / "state" / RUN
    process = subprocess.Popen(
        [sys.executable, "-c", call, settings, backbone_file, out], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    until = time.monotonic() + 60
    while not (state / "previous.pt").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()

    finetune(settings, backbone_file, out, "cpu")
    expected, found = weights(run), weights(out)
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert curve(out / "metrics.jsonl") == curve(run / "metrics.jsonl")
    assert (out / "predictions.json").read_bytes() == (run / "predictions.json").read_bytes()
    first, second = (start["step"] for start in json.loads((out / "run.json").read_text())["starts"])
    assert first == 0 < second


def test_data_sets_of_different_classes_are_refused(
    finetune_settings: dict[str, Any], backbone_file: Path, tmp_path: Path, as_yaml: Write
) -> None:
    train = Path(finetune_settings["train"])
    other = json.loads(train.read_text().replace('"lime"', '"green"'))
    other["info"]["root"] = str(train.parent)
    (tmp_path / "other.json").write_text(json.dumps(other))
    finetune_settings["test"] = str(tmp_path / "other.json")
    with pytest.raises(ValueError, match=r"different classes \(\['green', 'lime'\]\)"):
        finetune(
            as_yaml(tmp_path / "s.yaml", finetune_settings), backbone_file, tmp_path / "demo" / RUN, "cpu"
        )


def test_settings_that_are_wrong_or_absent_are_named(
    finetune_settings: dict[str, Any], tmp_path: Path, as_yaml: Write
) -> None:
    finetune_settings["seed"] = "one"
    settings = as_yaml(tmp_path / "s.yaml", finetune_settings)
    with pytest.raises(SettingsError, match=r"s.yaml: seed: Input should be a valid integer"):
        finetune(settings, tmp_path / "init", tmp_path / "demo" / RUN, "cpu")
    with pytest.raises(SettingsError, match=r"none.yaml does not exist"):
        finetune(tmp_path / "none.yaml", tmp_path / "init", tmp_path / "demo" / RUN, "cpu")


def test_a_folder_that_is_no_place_for_a_run_is_refused(
    finetune_settings: dict[str, Any], backbone_file: Path, tmp_path: Path, as_yaml: Write
) -> None:
    with pytest.raises(ValueError, match="no place for a run"):
        finetune(as_yaml(tmp_path / "s.yaml", finetune_settings), backbone_file, Path("seed0"), "cpu")


def test_batches_are_those_of_the_protocols_buckets(
    tmp_path: Path,
    finetune_settings: dict[str, Any],
    backbone_file: Path,
    as_yaml: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finetune_settings["protocol"]["buckets"] = {"pool": 2, "multiple_px": 40}  # no image has a side of 40

    def stopped(_: object, batches: Callable[[int], Any], *__: object) -> None:
        ((view,), *_) = itertools.islice(batches(0), 3)
        raise InterruptedError(str([side % 40 for side in view.images.shape[2:]]))

    monkeypatch.setattr("sdetr.training.finetune.train", stopped)
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
    with pytest.raises(InterruptedError, match=r"\[0, 0\]"):
        finetune(settings, backbone_file, tmp_path / "demo" / RUN, "cpu")
