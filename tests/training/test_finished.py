"""What is whole is left as it is; what is not quite whole is made again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sdetr import record
from sdetr.training.finished import is_finished
from sdetr.training.ranks import ALONE

Inputs = dict[str, Path]


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    files = {name: tmp_path / name for name in ("settings", "init")}
    for name, path in files.items():
        path.write_text(name)
    return files


@pytest.fixture
def out(tmp_path: Path, inputs: Inputs) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    weights = folder / "weights.safetensors"
    weights.write_bytes(b"weights")
    begun = record.begin("finetune", "finetune/p/m/s/seed0", 0, inputs, folder)
    ended = record.end(begun, {weights.name: weights}, {"total": 1.0})
    (folder / "run.json").write_text(json.dumps(ended))
    (folder / "settings.yaml").touch()
    (folder / "pictures").mkdir()
    return folder


def test_fault_46_a_finished_run_is_said_to_be_and_how_to_have_it_again(
    out: Path, inputs: Inputs, caplog: pytest.LogCaptureFixture
) -> None:
    assert is_finished(out, inputs, ALONE)
    assert "finetune/p/m/s/seed0: finished on " in caplog.text and f"remove {out} to have it" in caplog.text


def other_settings(_out: Path, inputs: Inputs) -> None:
    inputs["settings"].write_text("seed: 1")


def one_input_more(_out: Path, inputs: Inputs) -> None:
    inputs["target"] = inputs["init"]


def torn_weights(out: Path, _inputs: Inputs) -> None:
    (out / "weights.safetensors").write_bytes(b"weig")


def no_weights(out: Path, _inputs: Inputs) -> None:
    (out / "weights.safetensors").unlink()


def no_record(out: Path, _inputs: Inputs) -> None:
    (out / "run.json").unlink()


def a_torn_record(out: Path, _inputs: Inputs) -> None:
    (out / "run.json").write_text('{"run": "finetune')


def no_pictures(out: Path, _inputs: Inputs) -> None:
    (out / "pictures").rmdir()


def a_record_of_one_that_began(out: Path, inputs: Inputs) -> None:
    (out / "run.json").write_text(json.dumps(record.begin("finetune", "x", 0, inputs, out)))


@pytest.mark.parametrize(
    "change",
    [
        other_settings,
        one_input_more,
        torn_weights,
        no_weights,
        no_record,
        a_torn_record,
        no_pictures,
        a_record_of_one_that_began,
    ],
)
def test_fault_46_what_is_not_whole_or_of_something_else_is_not_finished(
    out: Path, inputs: Inputs, change: Callable[[Path, Inputs], None], caplog: pytest.LogCaptureFixture
) -> None:
    change(out, inputs)
    assert not is_finished(out, inputs, ALONE) and not caplog.text
