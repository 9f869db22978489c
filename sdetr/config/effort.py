"""What the proposals of a large data set will take: core-hours and disk, before they are begun."""

from pydantic import TypeAdapter

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.proposals.settings import EdgeBoxesSettings, Proposer, SelectiveSearchSettings

SEARCHED = {
    ("fast", "squashed"): (0.053, 1800),
    ("fast", "native"): (0.92, 10800),
    ("quality", "squashed"): (0.21, 4700),
    ("quality", "native"): (3.3, 40000),
}
EDGE_BOXES = (0.43, 5400)
RANDOM = (0.0001, 1700)
"""Seconds of one core and bytes per image: medians over crops of photographs, 500 x 375, by
tests/bench/proposals.py on an AMD EPYC (Zen 4). Squashed is to 128 x 128; reading the image is not in it."""

RANKING_BYTES = 1.11 * 239
"""Of each further ranking: 1.11 bytes per box, 239 boxes per photograph squashed to 128 x 128."""


def effort(plan: Plan) -> list[str]:
    """A line for each data set of known size that boxes are proposed for; small scales draw theirs."""
    return [line for job in plan.of("proposals") if (line := _line(plan, job))]


def _line(plan: Plan, job: Job) -> str:
    images = expected_images(plan.maker(job.inputs["dataset"]))
    if not images:
        return ""
    seconds, size = per_image(TypeAdapter(Proposer).validate_python(job.settings["proposer"]))
    hours = images * seconds / 3600
    shares = f"{plan.shards} shards of {hours / plan.shards:.2g}" if plan.shards > 1 else "1 shard"
    took = f"about {hours:.3g} core-hours ({shares}), {images * size / 1e9:.2g} GB"
    return f"{job.path}: {images:,} images: {took}"


def expected_images(job: Job) -> int | None:
    """What the settings of a data set, or of part of one, say that it has."""
    said: int | None = job.settings["subset" if job.stage == "subset" else "dataset"].get("expected_images")
    return said


def per_image(proposer: Proposer) -> tuple[float, float]:
    """Seconds of one core, bytes."""
    if isinstance(proposer, EdgeBoxesSettings):
        return EDGE_BOXES
    if isinstance(proposer, SelectiveSearchSettings):
        seconds, size = SEARCHED[proposer.mode, "squashed" if proposer.size else "native"]
        return seconds, size + RANKING_BYTES * (proposer.rankings - 1)
    return RANDOM
