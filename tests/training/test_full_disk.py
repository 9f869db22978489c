"""A disk that is full, or will be: the old state is whole, and what is missing is said in bytes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.data.fetching import room
from sdetr.objectives.objective import Objective
from sdetr.training.average import Average
from sdetr.training.checkpoint import tensor_bytes
from sdetr.training.loop import take_step
from sdetr.training.settings import ScheduleSettings
from sdetr.training.trainee import Trainee
from tests.mounting import on_small_disk
from tests.training.conftest import batch_of
from tests.training.resuming import Batches, Begin, Runs

ROOT = Path(__file__).parents[2]
SAVING = """if True:
    import json, resource, sys
    from pathlib import Path
    import torch
    from sdetr.training.checkpoint import Checkpoint

    folder, limit, error = Path(sys.argv[1]), int(sys.argv[2]), ""
    checkpoint = Checkpoint(folder, {"settings": {}})
    checkpoint.save({"step": 1, "weights": torch.ones(1000)})
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        checkpoint.save({"step": 2, "weights": {"a": [torch.ones(100_000)]}})
    except OSError as caught:
        error = str(caught)
    files = sorted(path.name for path in folder.iterdir())
    print(json.dumps({"error": error, "files": files, "step": checkpoint.load()["step"]}))
"""


@pytest.mark.parametrize("limit", [100_000, 0], ids=["a limit of file sizes", "a small disk"])
def test_fault_42_a_disk_that_is_full_while_saving_leaves_the_old_state_and_names_what_is_needed(
    tmp_path: Path, limit: int
) -> None:
    before = [] if limit else on_small_disk(tmp_path, "200k")
    command = [*before, sys.executable, "-c", SAVING, str(tmp_path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    reason = "File too large" if limit else "No space left on device"
    assert said["error"].startswith(f"cannot write {tmp_path}/last.pt: {reason}; it needs 0.4 MB, ")
    assert ("its disk has 0." in said["error"]) == (not limit)
    assert said["error"].endswith("make room, and the same command continues")
    assert (said["files"], said["step"]) == (["last.pt"], 1)


def test_fault_42_a_disk_that_is_full_when_results_are_written_costs_no_step(
    finetune_settings: dict[str, Any], backbone_file: Path, tmp_path: Path, as_yaml: Any
) -> None:
    out = tmp_path / "demo/finetune/proto/conditional/tiny/seed0"
    out.mkdir(parents=True)
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
    words = ["train", f"--settings={settings}", f"--init={backbone_file}", f"--out={out}", "--device=cpu"]

    def trained(*before: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [*before, sys.executable, "-m", "sdetr", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)

    full = trained(*on_small_disk(out, "40k"))
    assert full.returncode == 2, full.stderr
    said = (
        f"sdetr train: cannot write {out}/weights.safetensors: No space left on device; its disk has 0.0 MB"
    )
    assert full.stderr.splitlines()[-1].startswith(said)
    assert trained().returncode == 0
    starts = json.loads((out / "run.json").read_text())["starts"]
    assert [start["step"] for start in starts] == [0, 6]


@pytest.mark.parametrize("ema", [None, 0.9])
def test_fault_42_what_a_state_will_take_is_known_before_the_first_step(
    toy: Objective, schedule: Callable[..., ScheduleSettings], ema: float | None
) -> None:
    toy.backbone.requires_grad_(False)  # type: ignore[operator]
    settings = schedule(ema=ema)
    trainee = Trainee.begin(toy.train(), settings, None)
    said = trainee.state_bytes
    take_step(trainee, [batch_of(0)], settings, 0, torch.device("cpu"))
    assert isinstance(trainee.average, Average) == bool(ema)
    small = 4 * 8  # AdamW's count of steps for each parameter, and the line of the curve that is not full
    assert said <= tensor_bytes(trainee.state()) <= said + small


def test_fault_42_a_disk_without_room_for_three_states_is_refused_before_the_first_step(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs(tmp_path, type(toy), batches, attempt_in, schedule())
    objective, attempt = runs.begin("run")
    needed = 3 * Trainee.begin(objective, runs.settings, None).state_bytes
    free, usage = needed - 1, shutil.disk_usage(tmp_path)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(
        OSError, match=r"three states of .* needs .* GB, but the disk of .* GB free; make room"
    ):
        runs.train(objective, attempt)
    assert (attempt.folder / "metrics.jsonl").read_bytes() == b""
    free = needed
    first, _ = runs.train(*runs.begin("run"))
    free = needed - 1  # the two states that are there already are part of the three
    assert runs.whole("run")[0].keys() == first.keys()
