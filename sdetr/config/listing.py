"""The plan as people and programs read it: text and JSON."""

from typing import Any

from sdetr.config.effort import effort
from sdetr.config.job import STAGES
from sdetr.config.plan import Plan


def as_text(plan: Plan) -> str:
    """Jobs by stage, in the order in which they can run, and how many there are; what proposals will take."""
    lines = []
    for stage in STAGES:
        jobs = plan.of(stage)
        lines += [f"{stage} ({len(jobs)})"] + [f"  {job.path}" for job in jobs] if jobs else []
    lines += [f"equal at this scale: {path} = {twin}" for path, twin in plan.aliases.items()]
    lines += effort(plan)
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
