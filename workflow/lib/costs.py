"""What making something again would cost: what it took last time."""

import json
from collections.abc import Iterable
from pathlib import Path

from snakemake.exceptions import WorkflowError

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.records import record_of
from sdetr.report.words import duration

HOURS = 10.0
"""What a plan may redo without being asked; `redo_hours` of `--config` or of a profile says otherwise."""
NAMED = 10


def took_s(job: Job) -> float | None:
    """Seconds of the result that is there; None where none is, or it does not say."""
    path = Path(record_of(job) or "")
    if not path.is_file():
        return None
    seconds = json.loads(path.read_bytes()).get("seconds")
    return float(seconds["total"]) if seconds else None


def refuse_redoing(plan: Plan, jobs: Iterable[Job], hours: float) -> None:
    """`jobs`: those that are about to run.

    Raises WorkflowError, naming the longest, if what they replace took more than so many hours.
    """
    took = {job.path: seconds for job in jobs if (seconds := took_s(job)) is not None}
    if sum(took.values()) <= hours * 3600:
        return
    longest = sorted(took, key=lambda path: -took[path])[:NAMED]
    lines = "".join(f"  {path}: {duration(took[path])}\n" for path in longest)
    more = f"  and {len(took) - NAMED} more\n" if len(took) > NAMED else ""
    raise WorkflowError(
        f"this would make {len(took)} results again that took {duration(sum(took.values()))}:\n{lines}{more}"
        f"`uv run sdetr why RUN --scale {plan.scale}` says why. To redo them all the same, add redo=yes to "
        f"--config scale={plan.scale} …; redo_hours=H sets another limit than {hours:g} hours"
    )
