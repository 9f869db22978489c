"""The plan as people and programs read it: text and JSON."""

from typing import Any

from sdetr.config.effort import effort
from sdetr.config.job import STAGES
from sdetr.config.plan import Plan

MANY = 8
"""Jobs of a stage of which three stand for all where not all are asked for."""


def as_text(plan: Plan, whole: bool = True) -> str:
    """Jobs by stage, in the order in which they can run, and how many there are; what proposals will take."""
    lines = []
    for stage in (stage for stage in STAGES if plan.of(stage)):
        paths = [job.path for job in plan.of(stage)]
        few = paths if whole or len(paths) <= MANY else paths[:3]
        lines += [f"{stage} ({len(paths)})", *(f"  {path}" for path in few)]
        if len(few) < len(paths):
            lines.append(f"  … and {len(paths) - len(few)} more: --jobs lists all")
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
