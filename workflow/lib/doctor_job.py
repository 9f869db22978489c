"""A job of a minute on a cluster, and what is found by it: GPUs, clock, shared files, shared memory."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sdetr.hopeless import APART_S

SKEW_S = 2.0
"""Clocks further apart are not set by anybody; runs do not begin where they are `APART_S` apart."""
SHARED_MB = 1024
"""Of /dev/shm, for the batches that loaders hand over."""
SEEN_S = 30.0
"""Within which a file of a job has to be seen from here: the profile's latency-wait."""


@dataclass(frozen=True)
class Finding:
    """`level`: ok, warning, or wrong, which stops a run."""

    level: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.text}"


def run_job(partition: str, account: str, gpus: int, wait_s: int) -> Iterator[Finding]:
    """What a job of a partition sees, in this folder; leaves nothing in it."""
    Path(".snakemake").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="doctor-", dir=Path(".snakemake").absolute()) as room:
        yield from _run_in(Path(room), partition, account, gpus, wait_s)


def _run_in(room: Path, partition: str, account: str, gpus: int, wait_s: int) -> Iterator[Finding]:
    answer, said = room / "answer.json", room / "said.log"
    look = shlex.join([sys.executable, "-m", "workflow.lib.doctor_looks", str(answer)])
    words = ["sbatch", "--wait", f"--job-name={room.name}"]
    words += [f"--partition={partition}"] if partition else []
    words += [f"--account={account}"] if account else []
    words += [f"--gpus={gpus}"] if gpus else []
    words += ["--nodes=1", "--time=2", "--mem=2000", f"--output={said}", f"--wrap=exec {look}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as job:
        try:
            noticed = _noticed(answer, job, wait_s)
            late = noticed is None and job.poll() is None
        except BaseException:  # somebody who does not want to wait is to leave no job either
            told("scancel", f"--name={room.name}")
            raise
        if late:
            told("scancel", f"--name={room.name}")
            job.wait()
            yield Finding("warning", f"no job came to its end in {wait_s} s; ask again with a longer --wait")
            return
        answered = job.communicate()[0]
    if job.returncode:
        why = said.read_text().strip() if said.exists() else answered.strip()
        yield Finding("wrong", f"{shlex.join(words[:-1])}: {why}")
    elif noticed is None:
        where = f"the job ended, but {answer} is not seen here after {SEEN_S:.0f} s"
        yield Finding("wrong", f"{where}: this folder has to lie on a file system that all nodes share")
    else:
        yield from judged(json.loads(answer.read_text()), noticed, gpus)


def _noticed(answer: Path, job: "subprocess.Popen[str]", wait_s: float) -> float | None:
    """When, by this machine's clock, the job's file was seen here; None if it was not."""
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        if answer.exists():
            return time.time()
        if job.poll() is not None:
            until = min(until, time.monotonic() + (0 if job.returncode else SEEN_S))
        time.sleep(0.1)
    return None


def judged(seen: dict[str, Any], noticed: float, gpus: int) -> Iterator[Finding]:
    """What a job's file says that came to sight at a time of this machine's clock."""
    yield Finding("ok", f"a job ran on {seen['host']}; its file is seen in this folder")
    ahead = seen["time"] - noticed
    way, most = ("ahead of", SKEW_S) if ahead > 0 else ("behind", SEEN_S)
    off = f"the clock of {seen['host']} is {abs(ahead):.0f} s {way} this machine's"
    cure = f"{off}: files look newer or older than they are; set both by NTP"
    level = "wrong" if abs(ahead) > APART_S else "warning" if abs(ahead) > most else "ok"
    yield Finding(level, "its clock agrees with this machine's" if level == "ok" else cure)
    small = seen["shared_mb"] < SHARED_MB
    cure = ", which loaders may fill: `workers: 0` in params/, or more of it" if small else ""
    yield Finding("warning" if small else "ok", f"/dev/shm has {seen['shared_mb']} MB there{cure}")
    if gpus:
        there = len(seen["gpus"])
        names = f": {', '.join(seen['gpus'])}" if there else f"; CUDA_VISIBLE_DEVICES={seen['visible']}"
        yield Finding("ok" if there == gpus else "wrong", f"torch sees {there} of {gpus} GPUs there{names}")


def told(*words: str) -> str:
    """Raises OSError if SLURM does not answer."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise OSError(f"{shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout
