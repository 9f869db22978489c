"""Results that Snakemake would believe for their place: made from other settings than its memory says.

Edit a setting, `dvc repro`, undo the edit: on disk lies what DVC made from the edited one, while Snakemake
remembers a job of its own from today's. A job's own record knows better.
"""

import json
import re
from pathlib import Path
from typing import Any

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.records import record_of

PAGE_MADE_FROM = re.compile(r'<meta name="sdetr-settings" content="([0-9a-f]{64})">')


def forget_stale(plan: Plan) -> list[str]:
    """Makes Snakemake forget its jobs whose results are not of the plan's settings, and all that follows.

    Without a memory it goes by time: the settings are made newer than what was made from others. Returns the
    paths of the stale jobs.
    """
    others = [job for job in plan.jobs.values() if _made_from_others(job)]
    memory = FilePersistence(nolock=True) if others else None
    stale = [job for job in others if _believed(job, memory)]
    for job in stale:
        Path(job.settings_file).touch()
    for job in plan.after(stale):
        for file in job.outputs.values():
            memory.cleanup_metadata(IOFile(file))
    return [job.path for job in stale]


def _made_from_others(job: Job) -> bool:
    """Whether the job's own record names other settings; False where there is no record to read."""
    path = Path(_telling(job))
    try:
        if job.stage in ("page", "index"):
            found = PAGE_MADE_FROM.search(path.read_text(encoding="utf-8"))
            return found is not None and found[1] != job.digest
        said = json.loads(path.read_bytes())["inputs"]["settings"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False  # never made, torn or of an older version: tables refuse it by name
    return bool(said != job.digest)


def _telling(job: Job) -> str:
    """The output that says what the job was made from; a page says it in its head."""
    return record_of(job) or next(iter(job.outputs.values()))


def _believed(job: Job, memory: Any) -> bool:
    """Whether Snakemake remembers to have made the record from today's settings, or remembers nothing."""
    remembered = memory.metadata(IOFile(_telling(job)))
    checksum = ((remembered and remembered.input_checksums) or {}).get(job.settings_file)
    return checksum is None or checksum.removeprefix("sha256:") == job.digest
