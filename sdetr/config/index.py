"""The report of a plan: one page of all its tables and figures."""

from typing import Any

import sdetr.report.settings as report
from sdetr.config.stages import Stages
from sdetr.report.index_settings import IndexRun

SHOWN = {"table": ("md",), "figure": ("svg", "png", "json")}
"""Stage → outputs that the page is made of."""


def add_index(stages: Stages) -> None:
    """Called when the plan has all its tables and figures."""
    plan = stages.plan
    names: dict[str, Any] = {
        f"{stage}s": tuple(job.path.split("/")[1] for job in plan.of(stage))
        for stage in SHOWN
        if plan.of(stage)
    }
    run = IndexRun(
        stage="index",
        recipe=report.RECIPES["index"],
        scale=plan.scale,
        compares=stages.compose.scale.compares,
        **names,
    )
    inputs = {
        f"{job.path.replace('/', '.')}.{slot}": job.outputs[slot]
        for stage, slots in SHOWN.items()
        for job in plan.of(stage)
        for slot in slots
    }
    outputs = {"page": f"reports/{plan.scale}/index.html", "md": f"reports/{plan.scale}/index.md"}
    stages.add("index", "index/report", run, inputs, outputs)
