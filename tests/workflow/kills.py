"""Kills processes of a running pipeline at seeded random moments, and resumes it each time."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

import psutil

from workflow.lib.resume import stage_of

LONGEST_S = 20.0
"""Between a start and a kill. Starting takes about five; a job of scale smoke, about as long."""
VICTIMS = ("controller", "job", "all")


class Killed(NamedTuple):
    """What was seen."""

    victims: Counter[str]  # by kind; of jobs, by the verb
    finished: int  # times that the pipeline reached its end, each from nothing
    outlived: int  # jobs that a resume found without a controller


def kill_and_resume(root: Path, environment: dict[str, str], target: str, kills: int, seed: int) -> Killed:
    """Leaves the pipeline at its end; whenever it gets there before the last kill, it begins anew.

    Asserts that no start is refused, and that the end is reached with what was left behind.
    """
    draw, victims, finished, outlived = random.Random(seed), Counter[str](), 0, 0
    words = ["snakemake", "--profile", "smoke", target]
    while True:
        said = root / "said.txt"  # no pipe: whoever outlives Snakemake would keep it open
        with said.open("w") as file:
            process = _start(root, environment, words, file)
            if kills:
                victim = _kill(process, root, draw)
                kills -= victim is not None
                victims[victim or "nobody"] += 1
            code = process.wait(timeout=1200)
        outlived += said.read_text().count("works without a controller")
        if code == 0:
            finished += 1
            if not kills:
                return Killed(victims, finished, outlived)
            for folder in ("data", "reports", ".snakemake", "logs"):
                shutil.rmtree(root / folder, ignore_errors=True)
            words = ["snakemake", "--profile", "smoke", target]
        else:
            # Whoever was killed has said nothing; whoever ends by itself, because of a job that was killed.
            assert code == -signal.SIGKILL or "Error in rule" in said.read_text(), said.read_text()
            words = ["sdetr", "resume", "--profile", "smoke", target]


def _start(
    root: Path, environment: dict[str, str], words: list[str], file: IO[str]
) -> "subprocess.Popen[bytes]":
    program = str(Path(sys.executable).with_name(words[0]))
    return subprocess.Popen(
        [program, *words[1:]],
        cwd=root,
        env=environment,
        stdout=file,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _kill(process: "subprocess.Popen[bytes]", root: Path, draw: random.Random) -> str | None:
    """Who was killed, at work; None if the pipeline ended first."""
    until, kind = time.monotonic() + draw.uniform(0, LONGEST_S), draw.choice(VICTIMS)
    while time.monotonic() < until or not _jobs(root):
        if process.poll() is not None:
            return None
        time.sleep(0.05)
    jobs = _jobs(root)
    with suppress(psutil.NoSuchProcess):  # who ends by himself in this moment is as good as killed
        match kind:
            case "controller":
                process.kill()
            case "all":
                process.kill()
                for job in jobs:
                    job.kill()
            case "job" if jobs:
                job = draw.choice(sorted(jobs, key=lambda one: one.pid))
                job.kill()
                return f"job {jobs[job]}"
    return kind


def _jobs(root: Path) -> dict[psutil.Process, str]:
    """Stages at work in the folder → their verbs."""
    return {process: stage for process in psutil.process_iter() if (stage := stage_of(process, root))}
