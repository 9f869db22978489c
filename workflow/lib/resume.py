"""Starting again after the controller died: nothing lost, nothing submitted twice.

A killed Snakemake leaves its locks, and its jobs go on. Those of a cluster write their results by themselves,
so they are awaited. Those of this machine are asked to end: they save, and the next start continues them.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from workflow.lib.controller import LOCKS, cluster_jobs, last

ASK_EVERY_S = 5.0
TELL_EVERY_S = 60.0
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
        help="end running jobs of the cluster too: they save, and continue later",
    )
    asked, given = parser.parse_known_args(arguments)
    try:
        refuse_if_alive()
        end_cluster_jobs(asked.cancel)
        end_local_jobs()
    except (OSError, ValueError) as error:
        _say(f"sdetr resume: {error}")
        sys.exit(2)
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    subprocess.run([snakemake, "--unlock", *(given or AGAIN)], check=True)
    os.execv(snakemake, [snakemake, *(given or AGAIN)])


def refuse_if_alive() -> None:
    """Raises ValueError while the controller lives, or where only another machine knows."""
    controller = last()
    if controller is None:
        return
    if not controller.is_here and LOCKS.exists() and any(LOCKS.iterdir()):
        raise ValueError(
            f"process {controller.pid} on {controller.host} runs this workflow, or was killed; resume there"
        )
    if controller.is_here and controller.is_alive:
        raise ValueError(f"process {controller.pid} runs this workflow; there is nothing to resume")


def end_cluster_jobs(cancel: bool) -> None:
    """Takes waiting jobs back, and returns when the running ones are over."""
    here, told = Path.cwd(), 0.0
    if jobs := cluster_jobs(here):
        subprocess.run(["scancel", *([] if cancel else ["--state=PENDING"]), *jobs], check=True)
    while jobs := cluster_jobs(here):
        if time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            _say(f"waiting for SLURM jobs {' '.join(jobs)}; with --cancel they save and end")
        time.sleep(ASK_EVERY_S)


def end_local_jobs() -> None:
    """Asks the jobs of this folder on this machine to end, and returns when they have."""
    jobs = [process for process in psutil.process_iter() if _works_here(process)]
    for job in jobs:
        _say(f"process {job.pid} works without a controller; it ends, a training saves first")
        job.terminate()
    psutil.wait_procs(jobs)


def _works_here(process: psutil.Process) -> bool:
    """Whether it is a stage of this folder's workflow: `sdetr <verb> --settings …`."""
    try:
        words = process.cmdline()
        is_stage = "--settings" in words and any(Path(word).name == "sdetr" for word in words[:3])
        return is_stage and Path(process.cwd()) == Path.cwd()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
