"""Pages of runs: what a plan knows of a run that its folder does not say."""

from collections import defaultdict
from typing import Any

import sdetr.report.settings as report
from sdetr.config.differences import differences, seedless
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.stages import Stages
from sdetr.data.subsets.settings import SEED
from sdetr.report.settings import Mention, PageRun

RUNS = ("pretrain", "finetune")
"""Stages whose jobs have a page."""
READ = ("record", "curve", "settings_copy")
"""Of a run folder, by slot; its pictures are written before its record, and a folder has no checksum."""


def add_pages(stages: Stages) -> None:
    """A page for every run that trains a detector; called when the plan has everything else."""
    plan = stages.plan
    runs = [job for stage in RUNS for job in plan.of(stage)]
    mentions, followers = _mentions(plan), _followers(plan)
    one_of_each = {_alike(job): job for job in runs}
    differing = {path: tuple(differences(stages, job)) for path, job in one_of_each.items()}
    for job in runs:
        evaluation = plan.jobs.get(f"{job.path}/metrics")
        # What is empty is not said, as everywhere in settings files.
        lists: dict[str, Any] = {
            "measured": evaluation.digest if evaluation else None,
            "differences": differing[_alike(job)],
            "tables": tuple(mentions[job.path]),
            "followers": tuple(followers[job.path]),
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
    for job in [*plan.of("finetune"), *plan.of("measure")]:
        if init := job.inputs.get("init"):
            found[plan.maker(init).path].append(job.path)
    return found


def _alike(job: Job) -> str:
    """Runs of one name differ from the paper's alike, but where each seed trains on a draw of its own."""
    own_draw = SEED in str(job.settings["protocol"]["dataset"])
    return job.path if own_draw else seedless(job)
