"""Pages of runs: what a plan knows of a run that its folder does not say."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sdetr.report.settings as report
from sdetr.config.differences import differences, seedless
from sdetr.config.plan import Plan
from sdetr.config.stages import Stages
from sdetr.report.page_settings import Mention, PageRun

RUNS = ("pretrain", "finetune")
"""Stages whose jobs have a page."""
READ = ("record", "curve", "settings_copy")
"""Of a run folder, by slot; its pictures are written before its record, and a folder has no checksum."""


def add_pages(stages: Stages) -> None:
    """A page for every run that trains a detector; called when the plan has everything else."""
    plan = stages.plan
    runs = [job for stage in RUNS for job in plan.of(stage)]
    mentions, followers, asked = _mentions(plan), _followers(plan), _asked(plan)
    one_of_each = {seedless(job): job for job in runs}
    differing = {path: tuple(differences(stages, job)) for path, job in one_of_each.items()}
    for job in runs:
        evaluation = plan.jobs.get(f"{job.path}/metrics")
        # What is empty is not said, as everywhere in settings files.
        lists: dict[str, Any] = {
            "measured": evaluation.digest if evaluation else None,
            "differences": differing[seedless(job)],
            "tables": tuple(mentions[job.path]),
            "followers": tuple(followers[job.path]),
            "cells": asked.get(job.path, ()),
        }
        run = PageRun(
            stage="page",
            recipe=report.RECIPES["page"],
            scale=plan.scale,
            compares=stages.compose.scale.compares,
            run=job.path,
            settings=job.digest,
            **{name: said for name, said in lists.items() if said},
        )
        inputs = {slot: job.outputs[slot] for slot in READ}
        if evaluation:
            inputs["metrics"] = evaluation.outputs["metrics"]
        outputs = {"page": f"reports/{plan.scale}/runs/{job.path}.html"}
        stages.add("page", f"runs/{job.path}", run, inputs, outputs)


def _mentions(plan: Plan) -> dict[str, list[Mention]]:
    """Run → the cells of tables that it stands in."""
    found: dict[str, list[Mention]] = defaultdict(list)
    for job in plan.of("table"):
        table = job.settings["table"]
        for row, columns in job.settings["cells"].items():
            for column, runs in columns.items():
                where = Mention(
                    table=job.settings["id"],
                    title=table["title"],
                    row=table["rows"][row]["label"],
                    column=table["columns"][column]["label"],
                )
                for run in runs:
                    found[run["run"].removeprefix(f"data/{plan.scale}/")].append(where)
    return found


def _followers(plan: Plan) -> dict[str, list[str]]:
    """Run → those that start from its weights, or look at what they find as they are."""
    found: dict[str, list[str]] = defaultdict(list)
    for job in [*plan.of("finetune"), *plan.of("measure"), *plan.of("look")]:
        if init := job.inputs.get("init"):
            found[plan.maker(init).path].append(job.path)
    return found


def _asked(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Run → the blank cells that somebody asked for, where no other cell rests on it."""
    found: dict[str, list[str]] = defaultdict(list)
    for job in plan.of("table"):
        blank = job.settings["table"].get("blank", {})
        for row, columns in job.settings["cells"].items():
            for column, runs in columns.items():
                name = f"{job.settings['id']}.{row}.{column}" if column in blank.get(row, ()) else ""
                for run in runs:
                    for path in _upstream(plan, run["run"].removeprefix(f"data/{plan.scale}/")):
                        found[path].append(name)
    return {path: tuple(names) for path, names in found.items() if all(names)}


def _upstream(plan: Plan, path: str) -> Iterator[str]:
    """A run, and those whose weights it starts from."""
    yield path
    if init := plan.jobs[path].inputs.get("init"):
        yield from _upstream(plan, plan.maker(init).path)
