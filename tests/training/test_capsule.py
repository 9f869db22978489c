"""A step that was not finite can be taken again, on another machine, from one file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sdetr.cli import main
from sdetr.data.normalise import normalise
from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.objectives.classify import Classify
from sdetr.objectives.objective import Objective
from sdetr.training.attempt import Attempt
from sdetr.training.backbone_settings import BackboneRun
from sdetr.training.capsule import Capsule
from sdetr.training.finetune import detection_of
from sdetr.training.loop import take_step
from sdetr.training.material import preparing
from sdetr.training.ranks import Ranks
from sdetr.training.replay import replay, values_of
from sdetr.training.settings import FinetuneRun
from sdetr.training.trainee import Trainee
from sdetr.training.update import Batch
from tests.training.conftest import TRUNK
from tests.training.test_every_pretext import objective_of, run_of, view

CPU = torch.device("cpu")
RUN = "finetune/proto/conditional/tiny/seed0"
STEP, SEED, RANK = 7, 3, 2
Scene = tuple[Any, Objective, Any, Batch, Any]
"""Settings of a run, its objective and schedule, a batch, and what happens to it on the device."""


def scene_of(kind: str, finetune_settings: dict[str, Any], folder: Path) -> Scene:
    torch.manual_seed(11)  # other weights than the run's own seed draws
    if kind == "finetune":
        run = FinetuneRun.model_validate(finetune_settings)
        return run, detection_of(run, 5, None, CPU), run.protocol, [view(0, 3)], normalise
    if kind == "backbone":
        schedule = {"epochs": 1, "drop": [], "batch": 2, "lr": 1e-3, "lr_backbone": 1e-3, "clip": 1.0}
        trained = {
            "kind": "trained",
            "dataset": "d",
            "test": "t",
            "seed": 0,
            "crop_px": 16,
            "weight_decay": 0.1,
            "trunk": TRUNK,
        } | schedule
        whole = BackboneRun.model_validate({"stage": "backbone", "recipe": 1, "backbone": trained})
        objective = Classify(ResNet(whole.backbone.trunk, nn.BatchNorm2d), 4)
        return whole, objective, whole.backbone, [view(0, 1)], normalise
    target = folder / "target.safetensors"
    search = run_of(kind, "detr", target)
    # the target is another backbone than the detector's, and its file is gone when the step is taken again
    trunk = search.trunk.model_copy(update={"width": 2 * search.trunk.width})
    save_weights(ResNet(trunk), target, {"kind": "backbone", "trunk": json.dumps(trunk.said())})
    several = 2 if search.views.kind == "pairs" else 1
    batch = [view(number, search.views.regions) for number in range(several)]
    objective, prepare = objective_of(search), preparing(search.views)
    target.unlink()
    return search, objective, search.protocol, batch, prepare


@pytest.mark.parametrize("kind", ["finetune", "siamese", "updetr", "detreg", "backbone"])
def test_fault_39_a_capsule_alone_takes_the_same_step_to_the_bit(
    kind: str, finetune_settings: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, objective, schedule, batch, prepare = scene_of(kind, finetune_settings, tmp_path)
    (tmp_path / "settings.yaml").write_text("of the run")
    attempt = Attempt(
        tmp_path, run.stage, "a/b", run, SEED, {"settings": tmp_path / "settings.yaml"}, CPU, Ranks(0, 1)
    )
    attempt.ranks = Ranks(RANK, 1)
    trainee = Trainee.begin(objective.train(), schedule, None)
    trainee.step = STEP
    path = tmp_path / "capsule.pt"
    Capsule.of(attempt, trainee, batch, "step 7: label not finite").save(path)
    values = take_step(trainee, batch, schedule, SEED, CPU, prepare, attempt.ranks)
    found = values_of(Capsule.load(path))
    assert found == {name: float(value) for name, value in values.items()} and "grad_norm" in found
    main(["replay", str(path)])
    said = capsys.readouterr().out
    assert said.startswith("step 7 is finite here, on the CPU: ") and "step 7: label not finite" in said
    assert "others' capsules" not in said


def test_fault_39_of_a_batch_that_was_shared_the_replay_says_whose_part_it_took(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    run, objective, schedule, batch, _ = scene_of("finetune", finetune_settings, tmp_path)
    (tmp_path / "settings.yaml").write_text("of the run")
    attempt = Attempt(tmp_path, "finetune", "a/b", run, SEED, {"settings": tmp_path / "settings.yaml"}, CPU)
    attempt.ranks = Ranks(1, 2)
    Capsule.of(attempt, Trainee.begin(objective.train(), schedule, None), batch, "why").save(
        tmp_path / "c.pt"
    )
    assert "rank 1 of 2 had a part" in replay(tmp_path / "c.pt")


def test_fault_39_a_run_that_diverges_leaves_a_capsule_and_its_replay_finds_the_same(
    finetune_settings: dict[str, Any],
    backbone_file: Path,
    tmp_path: Path,
    as_yaml: Callable[[Path, dict[str, Any]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    finetune_settings["protocol"] |= {"lr": 1e30}
    out = tmp_path / "demo" / RUN
    words = {"settings": as_yaml(tmp_path / "s.yaml", finetune_settings), "init": backbone_file, "out": out}
    with pytest.raises(SystemExit) as ended:
        main(["train", *(f"--{name}={path}" for name, path in words.items()), "--device", "cpu"])
    path = tmp_path / "demo" / "state" / RUN / "capsule.pt"
    finding, _, rest = capsys.readouterr().err.splitlines()[-1].partition(f"; `sdetr replay {path}` takes ")
    assert (ended.value.code, rest) == (3, "this step again, on a CPU")
    capsule = Capsule.load(path)
    saved = torch.load(path.with_name("last.pt"), weights_only=True)
    assert saved["step"] == capsule.step > 0
    assert all(torch.equal(value, saved["objective"][name]) for name, value in capsule.weights.items())
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(path)])
    assert ended.value.code == 3
    again = capsys.readouterr().err.splitlines()[-1]
    assert again.removeprefix("sdetr replay: ") == finding.removeprefix("sdetr train: ")


class Hostile:
    """What a pickle can do when it is read."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


def test_fault_39_what_is_no_capsule_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    path, canary = tmp_path / "capsule.pt", tmp_path / "canary"
    with pytest.raises(FileNotFoundError):
        Capsule.load(path)
    torch.save({"format": "sdetr capsule 0"}, path)
    with pytest.raises(ValueError, match=r"capsule.pt is no capsule of this version \(sdetr capsule 1\)"):
        Capsule.load(path)
    torch.save({"format": Hostile(canary)}, path)
    with pytest.raises(ValueError, match="nothing of it was run"):
        Capsule.load(path)
    assert not canary.exists()
