"""Kills processes of a running pipeline at seeded random moments, and resumes it each time."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil

LONGEST_S = 20.0
"""Between a start and a kill. Starting takes about five; a job of scale smoke, about as long."""
VICTIMS = ("controller", "job", "all")


class Killed(NamedTuple):
    """What was seen."""

    victims: Counter[str]  # by kind; of jobs, by the verb
    finished: int  # times that the pipeline reached its end, each from nothing


def kill_and_resume(root: Path, environment: dict[str, str], target: str, kills: int, seed: int) -> Killed:
    """Leaves the pipeline at its end; whenever it gets there before the last kill, it begins anew.

    Asserts that no start is refused, and that the end is reached with what was left behind.
    """
    draw, victims, finished = random.Random(seed), Counter[str](), 0
    words = ["snakemake", "--profile", "smoke", target]
    while True:
        process = _start(root, environment, words)
        if kills:
            victim = _kill(process, root, draw)
            kills -= victim is not None
            victims[victim or "nobody"] += 1
        said = process.communicate(timeout=1200)[0]
        if process.returncode == 0:
            finished += 1
            if not kills:
                return Killed(victims, finished)
            for folder in ("data", "reports", ".snakemake", "logs"):
                shutil.rmtree(root / folder, ignore_errors=True)
            words = ["snakemake", "--profile", "smoke", target]
        else:
            # Whoever was killed has said nothing; whoever ends by itself, because of a job that was killed.
            assert process.returncode == -signal.SIGKILL or "Error in rule" in said, said
            words = ["sdetr", "resume", "--profile", "smoke", target]


def _start(root: Path, environment: dict[str, str], words: list[str]) -> "subprocess.Popen[str]":
    program = str(Path(sys.executable).with_name(words[0]))
    return subprocess.Popen(
        [program, *words[1:]],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _kill(process: "subprocess.Popen[str]", root: Path, draw: random.Random) -> str | None:
    """Who was killed; None if the pipeline ended first, or no job was there to be killed."""
    until, kind = time.monotonic() + draw.uniform(0, LONGEST_S), draw.choice(VICTIMS)
    while time.monotonic() < until:
        if process.poll() is not None:
            return None
        time.sleep(0.05)
    match kind:
        case "controller":
            process.kill()
        case "all":
            for one in [*_jobs(root), psutil.Process(process.pid)]:
                one.kill()
        case "job":
            jobs = _jobs(root)
            if not jobs:
                return None
            job = draw.choice(jobs)
            kind = f"job {_verb(job)}"
            job.kill()
    return kind


def _jobs(root: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if _verb(process) and Path(process.cwd()) == root and process.pid != os.getpid():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
    return found


def _verb(process: psutil.Process) -> str:
    """Of a stage, or of the sync; empty for any other process."""
    words = process.cmdline()
    place = next((n for n, word in enumerate(words[:3]) if Path(word).name == "sdetr"), None)
    verb = words[place + 1] if place is not None and place + 1 < len(words) else ""
    return verb if "--settings" in words or verb == "sync" else ""
