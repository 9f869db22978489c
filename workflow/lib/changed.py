"""Indexes of somebody's own files that were changed since: labels mended, images brought or taken away."""

import json
import sys
from pathlib import Path

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.data.own.source import source_of
from sdetr.data.settings import DataRun
from sdetr.settings_file import load


def forget_changed(plan: Plan) -> list[str]:
    """Makes Snakemake forget indexes whose files are others now, so that they are made anew, and says so.

    What follows is made again where such an index says something else than it did, and only there. Returns
    the jobs' paths.
    """
    changed = [job for job in plan.of("data") if _changed(job)]
    memory = FilePersistence(nolock=True) if changed else None
    for job in changed:
        sys.stderr.write(f"{job.path}: its files were changed since its index was made; it is made anew\n")
        Path(job.settings_file).touch()
        for file in job.outputs.values():
            memory.cleanup_metadata(IOFile(file))
    return [job.path for job in changed]


def _changed(job: Job) -> bool:
    """False where no index is, or none that knows its files."""
    if job.settings["dataset"]["layout"] != "own":
        return False
    record = Path(job.outputs["record"])
    try:
        before = json.loads(record.read_bytes())["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return False  # never made, torn or of an older version
    try:
        return bool(before != source_of(load(DataRun, Path(job.settings_file)).dataset, record.parent))
    except (OSError, ValueError):
        return True  # what cannot be read now is named by the job
