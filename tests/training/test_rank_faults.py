"""A rank that dies or hangs ends its training in bounded time, with words, and with its state whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from sdetr.training import launch

ROOT = Path(__file__).parents[2]
PATIENCE_S = 5.0
RUN = "finetune/proto/conditional/tiny/seed0"


@pytest.fixture
def shared(
    tmp_path: Path, finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Any
) -> Callable[[], Any]:
    """Starts a training of two ranks, that would take minutes."""
    finetune_settings["protocol"] |= {"micro_batch": None, "steps_per_epoch": 2000.0, "save_every_s": 0.0}
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
    words = ["--settings", settings, "--init", backbone_file, "--out", tmp_path / RUN, "--ranks", "2"]
    command = [sys.executable, "-m", "sdetr", "train", *map(str, words), "--device", "cpu"]
    more = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "SDETR_PATIENCE_S": str(PATIENCE_S)}

    @contextmanager
    def start() -> Iterator[subprocess.Popen[str]]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")} | more
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            yield process

    return start


def follower_at_work(process: "subprocess.Popen[str]", folder: Path) -> psutil.Process:
    """The rank that does not lead, once a step is saved."""
    until = time.monotonic() + 120
    while not (folder / "previous.pt").exists():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    ranks = [child for child in psutil.Process(process.pid).children() if "RANK" in child.environ()]
    return next(child for child in ranks if child.environ()["RANK"] == "1")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_fault_54_a_rank_that_dies_or_hangs_ends_all_of_them(
    tmp_path: Path, shared: Callable[[], Any], number: signal.Signals
) -> None:
    state = tmp_path / "state" / RUN
    with shared() as process:
        follower = follower_at_work(process, state)
        follower.send_signal(number)
        began = time.monotonic()
        _, said = process.communicate(timeout=PATIENCE_S + launch.AFTER_TERM_S + 60)
    assert process.returncode not in (0, None) and not psutil.pid_exists(follower.pid)
    assert "rank 0 waited" in said and "one of them died, and says why above, or hangs" in said
    assert time.monotonic() - began < PATIENCE_S + launch.AFTER_TERM_S + 30
    assert (state / "last.pt").exists() and not list(state.glob(".*.tmp"))
