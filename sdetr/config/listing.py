"""The plan as people and engines read it: text, JSON, and the items that `dvc.yaml` unrolls."""

from typing import Any

import yaml

from sdetr.config.job import STAGES
from sdetr.config.plan import Plan


def as_text(plan: Plan) -> str:
    """Jobs by stage, in the order in which they can run, and how many there are."""
    lines = []
    for stage in STAGES:
        jobs = plan.of(stage)
        lines += [f"{stage} ({len(jobs)})"] + [f"  {job.path}" for job in jobs] if jobs else []
    lines += [f"equal at this scale: {path} = {twin}" for path, twin in plan.aliases.items()]
    counts = ", ".join(f"{len(plan.of(stage))} {stage}" for stage in STAGES if plan.of(stage))
    return "\n".join([*lines, f"scale {plan.scale}: {len(plan.jobs)} jobs: {counts}"])


def as_json(plan: Plan) -> dict[str, Any]:
    jobs = [
        {
            "stage": j.stage,
            "path": j.path,
            "inputs": j.inputs,
            "outputs": j.outputs,
            "resources": j.resources.model_dump(),
        }
        for j in plan.jobs.values()
    ]
    return {"scale": plan.scale, "jobs": jobs, "aliases": plan.aliases}


def as_dvc(plan: Plan) -> str:
    """Stage → path → its files by slot, for the `foreach` of dvc.yaml."""
    items = {stage: {j.path: {"in": j.inputs, "out": j.outputs} for j in plan.of(stage)} for stage in STAGES}
    head = "# Written by `sdetr plan --dvc`; dvc.yaml unrolls it. Edit params/ instead.\n"
    return head + yaml.safe_dump({"scale": plan.scale} | items, sort_keys=False, width=160)
