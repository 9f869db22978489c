"""Whether a cluster can run this workflow: what SLURM says of the profile, and what a job of a minute sees.

Findings are printed as they are made; the exit code is 1 if one of them stops a run.
"""

import argparse
import difflib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.job import Job
from workflow.lib.doctor_job import Finding, run_job, told

TOOLS = ("sbatch", "squeue", "sinfo", "scontrol", "scancel", "srun")


@dataclass(frozen=True)
class Site:
    """What a profile asks of a cluster."""

    partition: str
    account: str
    scale: str

    @classmethod
    def of(cls, profile: Path, partition: str = "") -> "Site":
        """Raises SettingsError where the profile is none of ours."""
        if not profile.is_file():
            raise SettingsError(f"{profile} does not exist; --profile names a folder, as for Snakemake")
        said = yaml.safe_load(profile.read_text())
        defaults = dict(one.split("=", 1) for one in said.get("default-resources", ()))
        scale = said.get("config", {}).get("scale", "paper")
        return cls(partition or defaults.get("slurm_partition", ""), defaults.get("slurm_account", ""), scale)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="sdetr doctor", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=["cluster"])
    parser.add_argument("--profile", type=Path, default=Path("slurm"))
    parser.add_argument("--partition", default="", help="another than the profile's")
    parser.add_argument("--wait", type=int, default=300, metavar="SECONDS", help="for the job to start (300)")
    asked = parser.parse_args(arguments)
    try:
        site = Site.of(asked.profile / "config.yaml", asked.partition)
        wrong = False
        for finding in examined(site, asked.wait):
            sys.stdout.write(f"{finding}\n")
            sys.stdout.flush()
            wrong |= finding.level == "wrong"
    except (SettingsError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"sdetr doctor: {error}")
    sys.exit(wrong)


def examined(site: Site, wait_s: int) -> Iterator[Finding]:
    """Ends with the first thing that makes the others pointless."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        yield Finding("wrong", f"no {', '.join(missing)} here: log in to a node that submits jobs")
        return
    partitions = dict(line.split("|", 1) for line in told("sinfo", "-h", "-o", "%R|%a|%l|%G").splitlines())
    if site.partition not in partitions:
        near = difflib.get_close_matches(site.partition, partitions, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        there = ", ".join(sorted(partitions))
        yield Finding(
            "wrong",
            f"slurm_partition={site.partition}: there is none of that name{hint} There are: {there}",
        )
        return
    jobs = list(compile_plan(Path("params"), site.scale, "all").jobs.values())
    state, longest, gres = partitions[site.partition].split("|")
    yield Finding("ok" if state == "up" else "wrong", f"partition {site.partition} is {state}")
    yield _time(longest, jobs)
    most = max(jobs, key=lambda job: job.resources.gpu // job.resources.nodes)
    gpus = most.resources.gpu // most.resources.nodes
    if gpus and "gpu" not in gres:
        what = f"partition {site.partition} has no GPU that SLURM knows of, but {most.path} asks for {gpus}"
        yield Finding("wrong", f"{what}: choose another partition, or gpu: 0 in the scale's resources")
        return
    yield from run_job(site.partition, site.account, gpus, wait_s)


def _time(longest: str, jobs: list[Job]) -> Finding:
    """`longest`: as SLURM writes it, [days-]hours:minutes:seconds."""
    most = max(job.resources.minutes for job in jobs)
    if longest == "infinite" or (allowed := _minutes(longest)) >= most:
        return Finding("ok", f"the longest job asks for {most} minutes, {longest} are allowed")
    over = sum(job.resources.minutes > allowed for job in jobs)
    return Finding(
        "wrong",
        f"{over} jobs ask for up to {most} minutes, but the partition allows {longest} ({allowed} minutes): "
        "sbatch will refuse them; set `minutes` in the scale's resources, trainings continue in another turn",
    )


def _minutes(words: str) -> int:
    days, _, clock = words.rpartition("-")
    hours, minutes, _ = ([0, 0] + [int(part) for part in clock.split(":")])[-3:]
    return int(days or 0) * 1440 + hours * 60 + minutes


if __name__ == "__main__":
    main()
