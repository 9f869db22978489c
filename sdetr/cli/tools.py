"""What the jobs of a plan need beyond the core: asked when they are planned, never after the first epoch."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdetr.config.job import Job

DOWNLOADS = Path("data/raw/downloads")
EVALUATING = ("finetune", "evaluate")
PYCOCOTOOLS = "needs pycocotools; `uv sync --group evaluation`, or `pip install pycocotools`"
HOTCOCO = "needs hotcoco; `uv sync --group evaluation`, or `pip install hotcoco`"


def missing_tools(jobs: Sequence["Job"]) -> list[str]:
    """One line for each tool or file that is not here, with the first job that needs it and how to get it."""
    from pydantic import TypeAdapter

    from sdetr.proposals.choose import missing_for
    from sdetr.proposals.settings import Proposer

    proposer: TypeAdapter[Proposer] = TypeAdapter(Proposer)
    found: dict[str, str] = {}
    for job in jobs:
        if job.stage == "proposals":
            settings = proposer.validate_python(job.settings["proposer"])
            found.setdefault(missing_for(settings, DOWNLOADS), job.path)
    evaluating = [job for job in jobs if job.stage in EVALUATING]
    if evaluating and find_spec("hotcoco") is None:
        found[HOTCOCO] = evaluating[0].path
    masks = [job for job in evaluating if "panoptic" in (*job.inputs, *job.outputs)]
    if masks and find_spec("pycocotools") is None:
        found[PYCOCOTOOLS] = masks[0].path
    return [f"{path}: {missing}" for missing, path in found.items() if missing]
