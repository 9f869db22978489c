"""What a step takes: the steps are those of the training itself, and the clock starts after the warm ones."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.files import sha256
from sdetr.interop.weights import read_weights
from sdetr.settings_file import load
from sdetr.training import cost
from sdetr.training.cost import RESIDENT, measure_cost
from sdetr.training.cost_settings import CostRun
from sdetr.training.pretrain import pretrain
from sdetr.training.settings import PretrainRun
from sdetr.training.trainee import Trainee
from tests.training.conftest import write_yaml
from tests.training.test_pretrain import files, settings  # noqa: F401  # fixtures

RUN = "bench/proto/conditional/updetr~proto/seed0"
WARM, STEPS = 2, 4


class Clock:
    """Runs on by 100 s in a warm step, then by 1, 2, 3 … s; remembers the trainee and its learning rates."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time_s, self.rates, self.take_step = 0.0, list[float](), cost.take_step
        self.trainee: Trainee | None = None
        monkeypatch.setattr(cost, "take_step", self.step)
        monkeypatch.setattr(cost, "moment_s", lambda device: self.time_s)

    def step(self, trainee: Trainee, *rest: Any) -> Any:
        self.trainee = trainee
        self.rates.append(trainee.optimizer.param_groups[0]["lr"])
        self.time_s += 100 if trainee.step < WARM else trainee.step - WARM + 1
        return self.take_step(trainee, *rest)


def written(path: Path, said: dict[str, Any]) -> Path:
    return write_yaml(path, said | {"stage": "cost", "warm_steps": WARM, "steps": STEPS})


def test_the_steps_are_the_trainings_own_to_the_bit_and_warm_ones_are_not_timed(
    settings: Any,  # noqa: F811
    files: dict[str, Path],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, out = settings("updetr"), tmp_path / "demo" / RUN  # six steps
    pretrain(
        write_yaml(tmp_path / "p.yaml", said), files["init"], tmp_path / "demo/pretrain/a/b/c/seed0", "cpu"
    )
    clock = Clock(monkeypatch)
    measure_cost(written(tmp_path / "c.yaml", said), files["init"], out, "cpu")
    trained = read_weights(tmp_path / "demo/pretrain/a/b/c/seed0/weights.safetensors")[0]
    assert clock.trainee is not None and clock.trainee.step == WARM + STEPS
    stepped = {name.removeprefix("detector."): t for name, t in clock.trainee.shown.state_dict().items()}
    assert trained and all(torch.equal(tensor, stepped[name]) for name, tensor in trained.items())
    assert clock.rates == pytest.approx([1e-3] * 4 + [1e-4] * 2)  # it drops where the schedule says
    told = json.loads((out / "cost.json").read_text())
    assert told["seconds"] == [1, 2, 3, 4] and told["metrics"]["step-s"] == 2.5


def test_the_folder_says_what_was_measured_and_from_what(
    settings: Any,  # noqa: F811
    files: dict[str, Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    out = tmp_path / "demo" / RUN
    said = written(tmp_path / "settings.yaml", settings("detreg"))
    measure_cost(said, files["init"], out, "cpu")
    assert {path.name for path in out.iterdir()} == {"cost.json", "run.json", "settings.yaml"}
    told, record = (json.loads((out / name).read_text()) for name in ("cost.json", "run.json"))
    assert record["inputs"].keys() == {"settings", "init", "dataset", "plan", "proposals", "target"}
    assert record["outputs"] == {"cost.json": sha256(out / "cost.json")}
    assert record["run"] == RUN and record["device"].startswith("cpu") and record["finished"]
    assert record["metrics"] == told["metrics"] and told["memory"] == RESIDENT and told["batch"] == 4
    assert len(told["seconds"]) == STEPS and 0 < told["metrics"]["step-s"] <= max(told["seconds"])
    assert told["metrics"]["memory-mb"] == pytest.approx(record["peak_memory_bytes"] / 2**20, rel=0.01)


def test_a_pretraining_is_no_cost_and_a_cost_is_no_pretraining(settings: Any, tmp_path: Path) -> None:  # noqa: F811
    said = settings("updetr")
    with pytest.raises(Exception, match="warm_steps: Field required"):
        load(CostRun, write_yaml(tmp_path / "p.yaml", said | {"stage": "cost"}))
    with pytest.raises(Exception, match="warm_steps"):
        load(PretrainRun, written(tmp_path / "c.yaml", said))
