"""Starting again after the controller died: nothing lost, nothing submitted twice.

A killed Snakemake leaves its locks, and its jobs go on. Those of a cluster write their results by themselves,
so they are awaited. Those of this machine are asked to end: they save, and the next start continues them.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from sdetr.training.launch import TORCHRUN
from workflow.lib.controller import LOCKS, cluster_jobs, last

ASK_EVERY_S = 5.0
TELL_EVERY_S = 60.0
PATIENCE_S = 30.0
TRAININGS = ("backbone", "pretrain", "train")
AGAIN = ["--profile", "demo", "all_tables"]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="sdetr resume",
        usage=f"sdetr resume [--cancel] [what Snakemake is told; else {' '.join(AGAIN)}]",
        description=(__doc__ or "").split("\n")[0],
        allow_abbrev=False,
    )
    parser.add_argument(
        "--cancel",
        action="store_true",
        help="end running jobs of the cluster too; they continue later",
    )
    asked, given = parser.parse_known_args(arguments)
    try:
        with alone():
            refuse_if_alive()
            end_cluster_jobs(asked.cancel)
            refuse_if_alive()  # somebody else may have resumed while this one waited
            end_local_jobs()
            refuse_if_alive()
            snakemake = str(Path(sys.executable).with_name("snakemake"))
            subprocess.run([snakemake, "--unlock", *(given or AGAIN)], check=True)
            os.execv(snakemake, [snakemake, *(given or AGAIN)])
    except (OSError, ValueError, psutil.Error, subprocess.SubprocessError) as error:
        _say(f"sdetr resume: {error}")
        sys.exit(2)


@contextmanager
def alone() -> Iterator[None]:
    """Raises ValueError if another resume is at work here. The lock ends as the process becomes Snakemake."""
    LOCKS.parent.mkdir(exist_ok=True)
    with (LOCKS.parent / "resume.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError("another resume waits in this folder; let it") from None
        yield


def refuse_if_alive() -> None:
    """Raises ValueError while the controller lives, or where only another machine knows."""
    controller = last()
    if controller is None:
        return
    if not controller.is_here and LOCKS.exists() and any(LOCKS.iterdir()):
        raise ValueError(
            f"process {controller.pid} on {controller.host} runs this workflow, or was killed; resume "
            "there, or, if that machine is gone for good, say `snakemake --unlock` first"
        )
    if controller.is_here and controller.is_alive:
        raise ValueError(f"process {controller.pid} runs this workflow; there is nothing to resume")


def end_cluster_jobs(cancel: bool) -> None:
    """Takes waiting jobs back, and returns when the running ones are over."""
    here, told = Path.cwd(), 0.0
    if jobs := _submitted(here):
        subprocess.run(["scancel", *([] if cancel else ["--state=PENDING"]), *jobs], check=True)
    while jobs := _submitted(here):
        if time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            _say(f"waiting for SLURM jobs {' '.join(jobs)}; with --cancel they end, and continue later")
        time.sleep(ASK_EVERY_S)


def _submitted(here: Path) -> list[str]:
    """Jobs of a cluster. Raises OSError if it does not answer, though there may be some."""
    try:
        return cluster_jobs(here)
    except OSError:
        controller = last()
        if controller and controller.executor != "local":
            raise
        return []  # SLURM's tools are installed, but no cluster was used here


def end_local_jobs() -> None:
    """Asks the jobs of this folder on this machine to end, and returns when they have."""
    asked: set[int] = set()
    while found := [process for process in psutil.process_iter() if stage_of(process, Path.cwd())]:
        for job in (process for process in found if not _helps(process)):
            with suppress(psutil.NoSuchProcess):
                stage = stage_of(job, Path.cwd())
                _say(
                    f"process {job.pid} works without a controller ({stage}); it ends, a training saves first"
                )
                # A training takes TERM, in a job of a cluster, for a preemption, and waits to be killed; INT
                # a second time it takes for impatience, and does not save.
                first = job.pid not in asked and stage in TRAININGS
                job.send_signal(signal.SIGINT if first else signal.SIGTERM)
                asked.add(job.pid)
        psutil.wait_procs(found, timeout=PATIENCE_S)  # one that has only just come does not listen yet


def stage_of(process: psutil.Process, folder: Path) -> str:
    """The verb of `sdetr <verb> --settings …`, as called by the workflow of a folder; empty for all else.

    Also of `python -m sdetr …`, as torchrun starts the processes that share a training; not of torchrun
    itself, which ends with them.
    """
    try:
        words = process.cmdline()
        place = next((n for n, word in enumerate(words[:10]) if Path(word).name == "sdetr"), len(words))
        of_settings = any(word.split("=")[0] == "--settings" for word in words)
        if not of_settings or TORCHRUN in words or Path(process.cwd()) != folder:
            return ""
        return words[place + 1] if place + 1 < len(words) else ""
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


def _helps(process: psutil.Process) -> bool:
    """A loader's worker is a copy of the training that it works for, and ends with it."""
    try:
        parent = process.parent()
        return parent is not None and parent.cmdline() == process.cmdline()
    except psutil.Error:
        return True


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
