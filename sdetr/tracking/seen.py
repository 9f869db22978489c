"""One job on disk: finished, on its way, or neither; whichever record there is of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sdetr.config.job import Job
from sdetr.files import sha256
from sdetr.tracking.digests import digest_of, digest_of_value
from sdetr.tracking.liveness import is_alive, last_sign
from sdetr.tracking.portrait import Status

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Seen:
    """`folder` has the curve and the pictures, if any; `record` is empty where a stage writes none."""

    job: Job
    root: Path
    folder: Path | None
    record: dict[str, Any]
    attempt: str
    status: Status
    begun_ms: int
    ended_ms: int | None

    @classmethod
    def of(cls, job: Job, root: Path, state: Path) -> "Seen | None":
        """None while there is nothing to tell. A finished record goes before the live one of its attempt."""
        if "record" not in job.outputs:
            return cls._of_files(job, root)
        whole, live = root / job.outputs["record"], state / "run.json"
        finished = json.loads(whole.read_bytes()) if whole.exists() else None
        if live.exists():
            begun = json.loads(live.read_bytes())
            if begun.get("finished") is None and begun["starts"] and not _ended(begun, finished):
                status: Status = "RUNNING" if is_alive(state, begun) else "KILLED"
                return cls._of_record(job, root, state, begun, status)
        if finished is None:
            return None
        folder = whole.parent if whole.name == "run.json" else state
        return cls._of_record(job, root, folder, finished, "FINISHED")

    @classmethod
    def _of_record(cls, job: Job, root: Path, folder: Path, record: dict[str, Any], status: Status) -> "Seen":
        start = record["starts"][0]
        last = record["finished"] or last_sign(folder)
        ended = None if status == "RUNNING" else int(last * 1000)
        return cls(
            job, root, folder, record, digest_of_value(start), status, int(start["time"] * 1000), ended
        )

    @classmethod
    def _of_files(cls, job: Job, root: Path) -> "Seen | None":
        """A stage without a record is its files: made again with the same content it is the same."""
        files = [root / file for file in job.outputs.values()]
        if not all(file.exists() for file in files):
            return None
        time_ms = int(max(file.stat().st_mtime for file in files) * 1000)
        attempt = digest_of_value([digest_of(file) for file in files])
        return cls(job, root, None, {}, attempt, "FINISHED", time_ms, time_ms)

    @property
    def curve(self) -> Path | None:
        path = self.folder / "metrics.jsonl" if self.folder else None
        return path if path and path.exists() else None

    @property
    def is_planned(self) -> bool:
        """Whether it was made with the plan's settings; files without a record are believed."""
        return not self.record or self.record["inputs"]["settings"]["sha256"] == self.job.digest

    def settings(self) -> dict[str, Any] | None:
        """The run's own copy, or the plan's where the record has its digest (or there is no record)."""
        planned = self.root / self.job.settings_file
        copy = self.root / self.job.outputs.get("settings_copy", "-")
        made_from = self.record["inputs"]["settings"]["sha256"] if self.record else None
        for path in (copy, planned):
            if path.is_file() and made_from in (None, sha256(path)):
                said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
                return said
        return None

    def numbers(self) -> dict[str, float]:
        """What a record knows at its end, in MLflow's words for the machine's part."""
        record, numbers = self.record, dict[str, float]()
        if "peak_memory_bytes" in record:
            numbers["system/peak_memory_megabytes"] = round(record["peak_memory_bytes"] / MEBIBYTE, 1)
        for group, prefix in (("seconds", "system/seconds_"), ("counts", "counts/"), ("metrics", "")):
            for name, value in record.get(group, {}).items():
                if isinstance(value, int | float):
                    numbers[prefix + name] = float(value)
        return numbers


def _ended(begun: dict[str, Any], finished: dict[str, Any] | None) -> bool:
    """Whether the finished record is of the attempt that the live one speaks of, or of a later one."""
    return finished is not None and finished["finished"] >= begun["starts"][-1]["time"]
