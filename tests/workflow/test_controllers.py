"""What the process that runs the workflow costs, how many of them there can be, and whose clock it has."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workflow.test_kills import results

pytestmark = pytest.mark.pipeline

SMOKE = ("--profile", "smoke", "siamese-voc")
RUN = "data/smoke/finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0"


def test_the_scheduler_looks_once_for_every_job_that_ends(made):
    """It looked once a second for every job that had ended, which came to a core's time."""
    shutil.rmtree(made.root / "reports/smoke/runs")
    said = made.snakemake(*SMOKE[:2], "--verbose", *SMOKE[2:])
    jobs, looks = int(re.findall(r"of (\d+) steps \(100%\)", said)[-1]), said.count("Ready jobs: ")
    assert jobs > 8 and 1 < looks <= jobs + 1


def test_fault_47_a_second_controller_is_refused_and_a_resume_names_the_first(made):
    shutil.rmtree(made.root / RUN)
    first = subprocess.Popen(
        [str(Path(sys.executable).with_name("snakemake")), *SMOKE],
        cwd=made.root,
        env=made.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not list((made.root / "logs/smoke").rglob("swav_r50/seed0.log")) and time.monotonic() < until:
        time.sleep(0.1)
    while not (made.root / "data/smoke/state" / RUN.removeprefix("data/smoke/")).exists():
        assert first.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    second = made.snakemake(*SMOKE, fails=True)
    resumed = made.run("sdetr", "resume", *SMOKE, fails=True)
    assert first.wait(timeout=300) == 0
    assert "cannot be locked" in second
    assert f"process {first.pid} runs this workflow; there is nothing to resume" in resumed
    assert len(json.loads((made.root / RUN / "run.json").read_text())["starts"]) == 1
    assert "Nothing to be done" in made.snakemake("-n", *SMOKE)


@pytest.mark.skipif(
    not shutil.which("faketime") and os.getuid() != 0,
    reason="no faketime here, and nobody who may install it",
)
@pytest.mark.parametrize("hours", ["-1h", "+1h"])
def test_fault_51_a_clock_that_is_an_hour_off_changes_no_number_and_remakes_nothing(made, hours):
    if not shutil.which("faketime"):
        subprocess.run(["apt-get", "install", "-qq", "-y", "faketime"], check=True, capture_output=True)
    before = results(made.root)
    shutil.rmtree(made.root / RUN)
    made.run("faketime", "-f", hours, str(Path(sys.executable).with_name("snakemake")), *SMOKE)
    off = json.loads((made.root / RUN / "run.json").read_text())["finished"] - time.time()
    assert abs(off - {"-1h": -3600, "+1h": 3600}[hours]) < 600, "the clock was not off"
    assert results(made.root) == before
    assert "Nothing to be done" in made.snakemake("-n", *SMOKE)
