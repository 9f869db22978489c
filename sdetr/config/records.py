"""Which records a result rests on, and what each has to say: the chain that tables check."""

from collections.abc import Iterable

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.report.settings import MadeFrom

UNSAID = ("settings", "segments", "rehearsal")
"""Inputs that no record names: it has the settings' digest beside them, another input has the digests of a
folder's files, and what was only waited for decides nothing."""


def record_of(job: Job) -> str | None:
    """The output that says what a job was made from; None if it has no such file."""
    for slot in ("record", "metrics", "json"):
        if slot in job.outputs:
            return job.outputs[slot]
    return None


def made_from(plan: Plan, jobs: Iterable[Job]) -> dict[str, MadeFrom]:
    """Record → what it has to say, of jobs and of all that they rest on."""
    said = {}
    for one in plan.before(jobs):
        if record := record_of(one):
            told = {slot: file for slot, file in one.inputs.items() if slot not in UNSAID}
            makers = {slot: record_of(plan.maker(file)) for slot, file in told.items()}
            inputs = {slot: maker for slot, maker in makers.items() if maker}
            # What is empty is not said, as everywhere in settings files.
            said[record] = MadeFrom(settings=one.digest, **({"inputs": inputs} if inputs else {}))
    return said
