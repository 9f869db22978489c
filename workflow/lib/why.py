"""Why a run would be made again, in one sentence, and what that would cost."""

import argparse
import difflib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.differences import planned_at
from sdetr.config.experiment import Composer
from sdetr.config.flat import flat
from sdetr.config.job import Job
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from sdetr.config.records import record_of
from sdetr.config.stages import Stages
from sdetr.report.again import Again
from sdetr.report.words import duration
from workflow.lib.costs import took_s

PARAMS = Path("params")
NAMED = 3
"""Changed settings that are told one by one."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="sdetr why", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", help="its path, for instance finetune/<protocol>/<model>/<start>/seed0")
    parser.add_argument("--scale", default="demo")
    asked = parser.parse_args(arguments)
    try:
        plan = compile_plan(PARAMS, asked.scale, "all")
        job = _job(plan, asked.run.removeprefix(f"data/{asked.scale}/").rstrip("/"))
        sys.stdout.write(f"{why(plan, job, _snakemakes_jobs(plan, job))}\n")
    except SettingsError as error:
        sys.stderr.write(f"sdetr why: {error}\n")
        sys.exit(2)


def why(plan: Plan, job: Job, would_run: list[Job]) -> str:
    """`would_run`: what Snakemake would do for this job, itself among it or not."""
    if job.path not in {one.path for one in would_run}:
        return f"{job.path} would not run again: what is there is what the plan wants."
    first = next((one for one in plan.before([job]) if one.path in {w.path for w in would_run}), job)
    reasons = list(_reasons(plan, first)) or [
        "Snakemake has it down as unfinished, or as older than its inputs"
    ]
    whose = "" if first is job else f"{first.path}, which it rests on, does: "
    return f"{job.path} would run again: {whose}{' and '.join(reasons)}; {_cost(plan, would_run, job)}."


def _job(plan: Plan, path: str) -> Job:
    if path not in plan.jobs:
        like = difflib.get_close_matches(path, plan.jobs, 1)
        meant = f"; did you mean {like[0]}?" if like else ";"
        there = f"`sdetr plan --scale {plan.scale}` lists what is"
        raise SettingsError(f"{path} is not in the plan of scale {plan.scale}{meant} {there}")
    return plan.jobs[path]


def _snakemakes_jobs(plan: Plan, job: Job) -> list[Job]:
    """Jobs of the plan that a dry run lists for the outputs of one."""
    snakemake, again = str(Path(sys.executable).with_name("snakemake")), Again(plan.scale)
    command = [snakemake, "-n", "--profile", again.profile, "--quiet", "host", "progress", *again.config]
    done = subprocess.run([*command, "--", record_of(job) or next(iter(job.outputs.values()))],
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        raise SettingsError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    lines = (done.stdout + done.stderr).splitlines()
    files = {
        f for line in lines if line.startswith("    output: ") for f in line.split(": ", 1)[1].split(", ")
    }
    return [one for one in plan.jobs.values() if files & set(one.outputs.values())]


def _reasons(plan: Plan, job: Job) -> Iterator[str]:
    """What of a job is not as its record has it."""
    path = record_of(job)
    if path is None or not Path(path).exists():
        yield "it is not made yet"
        return
    record = json.loads(Path(path).read_bytes())
    if record["inputs"]["settings"]["sha256"] != job.digest:
        yield _changed(plan, job) or "its settings are others"
    for slot, entry in record["inputs"].items():
        file = job.inputs.get(slot)
        maker = record_of(plan.maker(file)) if file and slot != "settings" else None
        made = json.loads(Path(maker).read_bytes()) if maker and Path(maker).exists() else {}
        now = made.get("outputs", {}).get(Path(entry["path"]).name)
        if now and now != entry["sha256"]:
            yield f"its {slot}, {file}, is another one now"


def _changed(plan: Plan, job: Job) -> str:
    """Settings that are others than the run's own copy has, and where they stand; empty without a copy."""
    copy = Path(job.outputs.get("settings_copy", ""))
    if not copy.is_file():
        return ""
    before, now = flat(yaml.safe_load(copy.read_text())), flat(job.settings)
    names = [name for name in {**now, **before} if now.get(name) != before.get(name)]
    places = _places(plan, job)
    said = [
        f"{name} is {now.get(name, 'unset')}{places(name, now.get(name))}, was {before.get(name, 'unset')}"
        for name in names[:NAMED]
    ]
    more = [f"{len(names) - NAMED} more settings are others"] if len(names) > NAMED else []
    return " and ".join(said + more)


def _places(plan: Plan, job: Job) -> Any:
    """(Dotted name, value) → ` (file:line)`, or nothing where no file has that value under that name."""
    composer = Composer(Params(PARAMS), plan.scale)
    planned_at(Stages(Plan(plan.scale), composer), job.path)

    def place(name: str, value: Any) -> str:
        section, *key = name.split(".")
        for layer in composer.used:
            where = layer.places.get(tuple(key))
            if (
                where
                and {f"{section}s", "scales"} & set(where.file.parts)
                and _at(layer.values, key) == value
            ):
                return f" ({where})"
        return ""

    return place


def _at(values: Any, key: list[str]) -> Any:
    for word in key:
        values = values.get(word) if isinstance(values, dict) else None
    return values


def _cost(plan: Plan, before: list[Job], job: Job) -> str:
    """Of what would run for the job, itself too, and of all that rests on it."""
    together = {one.path: one for one in [*before, *plan.after([job])]}
    took = [seconds for one in together.values() if (seconds := took_s(one)) is not None]
    stages = Counter(one.stage for one in together.values())
    what = ", ".join(f"{count} {stage}" for stage, count in stages.items())
    if not took:
        return f"with what rests on it, jobs: {what}"
    return f"with what rests on it, jobs: {what}; {duration(sum(took))} as last time"


if __name__ == "__main__":
    main()
