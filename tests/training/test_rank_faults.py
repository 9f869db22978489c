"""A rank that dies, hangs or diverges ends all of them in bounded time, with words and a whole state."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from sdetr.training.capsule import Capsule
from sdetr.training.checkpoint import Checkpoint, Made

ROOT = Path(__file__).parents[2]
PATIENCE_S = 15.0
"""Two ranks that start at once on two busy cores come a few seconds apart."""
TORCHRUN_S = 30.0
"""Of torchrun's own patience with the others, when a rank has failed."""
RUN = "finetune/proto/conditional/tiny/seed0"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "SDETR_PATIENCE_S": str(PATIENCE_S)}


@dataclass
class Shared:
    """A training of two ranks, while it runs and afterwards."""

    process: "subprocess.Popen[bytes]"
    log: Path
    state: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def made(self) -> Made:
        """What the whole states there say that they were made from."""
        states = [self.state / name for name in ("last.pt", "previous.pt")]
        kept = next(path for path in states if path.exists())
        made: Made = json.loads(torch.load(kept, weights_only=True)["made"])
        return made

    def rank(self, number: int) -> psutil.Process:
        """Once a step is saved."""
        until = time.monotonic() + 120
        while not (self.state / "previous.pt").exists():
            assert time.monotonic() < until and self.process.poll() is None, self.said
            time.sleep(0.05)
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if child.environ().get("RANK") == str(number))

    def ended(self) -> int:
        return self.process.wait(timeout=PATIENCE_S + TORCHRUN_S + 60)


@pytest.fixture
def start(
    tmp_path: Path, finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Any
) -> Callable[..., Any]:
    """Starts one that would take minutes; whatever becomes of the test, none of its processes is left."""

    @contextmanager
    def begin(**changes: Any) -> Iterator[Shared]:
        usual = {"micro_batch": None, "steps_per_epoch": 2000.0, "save_every_s": 0.0}
        finetune_settings["protocol"] |= usual | changes
        settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
        words = ["--settings", settings, "--init", backbone_file, "--out", tmp_path / RUN, "--ranks", "2"]
        command = [sys.executable, "-m", "sdetr", "train", *map(str, words), "--device", "cpu"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")} | ENVIRONMENT
        log = tmp_path / "said.log"
        with log.open("wb") as said:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=said)
        try:
            yield Shared(process, log, tmp_path / "state" / RUN)
        finally:
            with suppress(psutil.NoSuchProcess):
                for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                    one.kill()
            process.wait()

    return begin


@pytest.mark.parametrize(
    "number, sent", [(1, signal.SIGKILL), (1, signal.SIGSTOP), (0, signal.SIGKILL)], ids=str
)
def test_fault_54_a_rank_that_dies_or_hangs_ends_all_of_them(
    start: Callable[..., Any], number: int, sent: signal.Signals
) -> None:
    with start() as shared:
        rank = shared.rank(number)
        rank.send_signal(sent)
        began = time.monotonic()
        assert shared.ended() > 0 and not psutil.pid_exists(rank.pid)
        assert time.monotonic() - began < PATIENCE_S + TORCHRUN_S + 30
        assert f"rank {1 - number} waited" in shared.said
        assert "one of them died, and says why above, or hangs" in shared.said
        # A kill between two renames leaves the state before alone, which is whole.
        assert Checkpoint(shared.state, shared.made()).load() is not None


def test_fault_39_ranks_that_diverge_say_why_keep_a_capsule_each_and_end_with_its_exit_code(
    start: Callable[..., Any],
) -> None:
    with start(lr=1e30, lr_backbone=1e30) as shared:
        assert shared.ended() == 3
        told = [line for line in shared.said.splitlines() if line.startswith("sdetr train: ")]
        assert told and all("not finite" in line and "takes this step again" in line for line in told)
        assert "ended with code 3; what it said is above" in shared.said
        kept = [Capsule.load(shared.state / name) for name in ("capsule.pt", "capsule-1.pt")]
        assert kept[0].step == kept[1].step
        assert kept[0].batch[0].image_ids != kept[1].batch[0].image_ids


LEFT_ALONE = """
import os, sys, torch
import torch.distributed as dist
from sdetr.objectives.batch_norm import BatchNorm

rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
rows, normed = torch.rand(3, 2, requires_grad=True), BatchNorm(2)
lost = normed(rows).square().sum()
if rank:
    os._exit(0)
lost.backward()
"""
"""A step with statistics of all ranks, one of which ends between forward and backward."""


def test_fault_54_statistics_of_a_batch_that_a_rank_has_left_are_told_in_the_same_words(
    tmp_path: Path,
) -> None:
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", LEFT_ALONE, rank, str(tmp_path / "meet")],
            env=os.environ | ENVIRONMENT | {"RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    try:
        said = [rank.communicate(timeout=120)[1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [1, 0], said
    assert "ConnectionError: rank 0 waited" in said[0] and "one of them died" in said[0]
