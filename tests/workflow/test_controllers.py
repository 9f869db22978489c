"""What the process that runs the workflow costs, how many of them there can be, and whose clock it has."""

import json
import re
import shutil
import signal
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


def unmake(project):
    """A run, and the table that asks for it: what is missing alone, nobody asks for."""
    shutil.rmtree(project.root / RUN)
    shutil.rmtree(project.root / "reports/smoke/tables")


def test_fault_47_a_second_controller_is_refused_and_a_resume_names_the_first(made):
    unmake(made)
    first = subprocess.Popen(
        [str(Path(sys.executable).with_name("snakemake")), *SMOKE],
        cwd=made.root,
        env=made.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        announced, until = made.root / ".snakemake/controller.json", time.monotonic() + 60
        while json.loads(announced.read_text())["pid"] != first.pid:
            assert first.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        first.send_signal(signal.SIGSTOP)  # else it may be through before the others have begun
        second = made.snakemake(*SMOKE, fails=True)
        resumed = made.run("sdetr", "resume", *SMOKE, fails=True)
        first.send_signal(signal.SIGCONT)
        assert first.wait(timeout=300) == 0
    finally:
        first.kill()
        first.wait()
    assert "cannot be locked" in second
    assert f"process {first.pid} runs this workflow; there is nothing to resume" in resumed
    assert len(json.loads((made.root / RUN / "run.json").read_text())["starts"]) == 1
    assert "Nothing to be done" in made.snakemake("-n", *SMOKE)


@pytest.mark.skipif(not shutil.which("faketime"), reason="there is no faketime; .ci/run installs it")
@pytest.mark.parametrize("hours, fails", [("+1h", False), ("-1h", True)])
def test_fault_51_a_clock_that_is_an_hour_off_changes_no_number(made, hours, fails):
    """One that is behind would make results older than their inputs; then nothing is begun."""
    before = results(made.root)
    unmake(made)
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    said = made.run("faketime", "-f", hours, snakemake, *SMOKE, fails=fails)
    if fails:
        assert "s newer than what" in said and "nothing was computed" in said
        assert not (made.root / RUN / "weights.safetensors").exists()
        made.snakemake(*SMOKE)
    else:
        assert json.loads((made.root / RUN / "run.json").read_text())["finished"] > time.time() + 3000
    assert results(made.root) == before
    assert "Nothing to be done" in made.snakemake("-n", *SMOKE)
