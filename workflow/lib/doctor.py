"""Whether a cluster can run this workflow: what SLURM says of the profile, and what a job of a minute sees.

Findings are printed as they are made; the exit code is 1 if one of them stops a run.
"""

import argparse
import difflib
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.job import Job
from workflow.lib.doctor_job import Finding, run_job, told

RULES = {"data": ("data", "drawn_data"), "proposals": ("propose", "proposals")}
"""Of stages whose jobs are several rules, or of another name."""
TOOLS = ("sbatch", "squeue", "sinfo", "scontrol", "scancel", "srun")


@dataclass(frozen=True)
class Site:
    """What a profile asks of a cluster. An empty partition is SLURM's default."""

    partition: str
    account: str
    scale: str
    of_rules: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Path, partition: str = "") -> "Site":
        """Raises SettingsError where the profile is none of ours. `partition` stands for all of its own."""
        if not profile.is_file():
            raise SettingsError(f"{profile} does not exist; --profile names a folder, as for Snakemake")
        said = yaml.safe_load(profile.read_text())
        defaults = _named(said.get("default-resources") or {})
        scale = said.get("config", {}).get("scale", "paper")
        own = _partitions_of_rules(said.get("set-resources") or {})
        every = partition or defaults.get("slurm_partition", "")
        return cls(every, defaults.get("slurm_account", ""), scale, {} if partition else own)

    def sorted(self, jobs: Iterable[Job]) -> dict[str, list[Job]]:
        """By the partition that they are sent to."""
        found: dict[str, list[Job]] = {}
        for job in jobs:
            rules = RULES.get(job.stage, (job.stage,))
            for name in {self.of_rules.get(rule, self.partition) for rule in rules}:
                found.setdefault(name, []).append(job)
        return found


@dataclass
class Partition:
    """What `sinfo` says of one, in a line for each kind of its nodes."""

    state: str
    longest: str
    gres: str = ""


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
    try:
        there = _partitions()
    except OSError as error:
        said = str(error).splitlines()[0]
        yield Finding("wrong", f"no cluster answers here: log in to a node that submits jobs ({said})")
        return
    jobs = compile_plan(Path("params"), site.scale, "all").jobs.values()
    for name, own in sorted(site.sorted(jobs).items()):
        yield from _partition(name, there, own, site.account, wait_s)


def _partitions() -> dict[str, Partition]:
    """By name; SLURM's default by the empty one too."""
    found: dict[str, Partition] = {}
    for line in told("sinfo", "-h", "-o", "%P|%a|%l|%G").splitlines():
        name, state, longest, gres = line.split("|", 3)
        partition = found.setdefault(name.rstrip("*"), Partition(state, longest))
        partition.gres += f" {gres}"
        if name.endswith("*"):
            found[""] = partition
    return found


def _partition(
    name: str, there: dict[str, Partition], jobs: list[Job], account: str, wait_s: int
) -> Iterator[Finding]:
    if name not in there:
        near = difflib.get_close_matches(name, there, 1)
        hint = f"; did you mean {near[0]}?" if near else "."
        names = ", ".join(sorted(filter(None, there)))
        yield Finding("wrong", f"slurm_partition={name}: there is none of that name{hint} There are: {names}")
        return
    found, called = there[name], f"partition {name}" if name else "SLURM's default partition"
    yield Finding("ok" if found.state == "up" else "wrong", f"{called} is {found.state}")
    yield _time(found.longest, jobs)
    most = max(jobs, key=lambda job: job.resources.gpu // job.resources.nodes)
    gpus = most.resources.gpu // most.resources.nodes
    if gpus and "gpu" not in found.gres:
        what = f"{called} has no GPU that SLURM knows of, but {most.path} asks for {gpus}"
        yield Finding("wrong", f"{what}: choose another partition, or gpu: 0 in the scale's resources")
        return
    yield from run_job(name, account, gpus, wait_s)


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


def _partitions_of_rules(asked: Mapping[str, Any] | Iterable[str]) -> dict[str, str]:
    """A profile may list them as `rule:name=value`."""
    if not isinstance(asked, Mapping):
        parts = (one.split(":", 1) for one in asked if ":slurm_partition=" in one)
        return {rule: value.split("=", 1)[1] for rule, value in parts}
    rules = {rule: _named(resources) for rule, resources in asked.items()}
    return {rule: named["slurm_partition"] for rule, named in rules.items() if "slurm_partition" in named}


def _named(asked: Mapping[str, object] | Iterable[str]) -> dict[str, str]:
    """Resources of a profile, which may list them as `name=value`."""
    if isinstance(asked, Mapping):
        return {name: str(value) for name, value in asked.items()}
    return dict(one.split("=", 1) for one in asked)


def _minutes(words: str) -> int:
    days, _, clock = words.rpartition("-")
    hours, minutes, _ = ([0, 0] + [int(part) for part in clock.split(":")])[-3:]
    return int(days or 0) * 1440 + hours * 60 + minutes


if __name__ == "__main__":
    main()
