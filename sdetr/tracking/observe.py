"""A job's files → its portrait."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.files import sha256
from sdetr.tracking.digests import Digested, digest_of
from sdetr.tracking.places import DRAWN, GUESTS, Places, host_of, words_of
from sdetr.tracking.portrait import Picture, Portrait
from sdetr.tracking.seen import Seen


class Observer:
    """Sees what there is of every job of a plan, from the root."""

    def __init__(self, plan: Plan, root: Path) -> None:
        self.plan, self.root, self.places = plan, root, Places(plan)
        self._guests: dict[str, list[Job]] = {}
        for job in plan.jobs.values():
            if job.stage in GUESTS:
                self._guests.setdefault(host_of(job), []).append(job)

    def jobs(self) -> list[Job]:
        """Those that have a run of their own, upstream first."""
        return [job for job in self.plan.jobs.values() if job.stage not in GUESTS]

    def outputs(self, job: Job) -> dict[str, str]:
        """Files that its run tells of, by slot."""
        files = dict(job.outputs)
        for guest in self._guests.get(job.path, []):
            files |= guest.outputs
        return files

    def memory(self, job: Job) -> Path:
        return self.state(job) / "mlflow.json"

    def state(self, job: Job) -> Path:
        return self.root / "data" / self.plan.scale / "state" / job.path

    def portrait(self, job: Job) -> Portrait | None:
        """None while nothing has been made. Raises ValueError or KeyError for a record that is no record."""
        seen = Seen.of(job, self.root, self.state(job))
        if seen is None:
            return None
        outputs = dict(self._digests(job, seen.record)) if seen.status == "FINISHED" else {}
        texts = ("settings_copy", "metrics", "page", "md", "csv", "json", "svg")
        files = {slot: self.root / outputs[slot].path for slot in texts if slot in outputs}
        return Portrait(
            job=job,
            name=self.places.name(job),
            experiment=self.places.experiment(job),
            attempt=seen.attempt,
            status=seen.status,
            begun_ms=seen.begun_ms,
            ended_ms=seen.ended_ms,
            is_whole=seen.status == "FINISHED"
            and seen.is_planned
            and outputs.keys() >= self.outputs(job).keys(),
            tags=self._tags(job, seen),
            inputs=self._inputs(job, seen.record),
            outputs=outputs,
            settings=seen.settings(),
            curve=seen.curve,
            numbers=seen.numbers() | self._measured(outputs),
            pictures=(*_pictures(seen.folder), *_drawn(job, outputs, self.root)),
            files={path.name: path for path in files.values() if path.is_file()},
        )

    def _digests(self, job: Job, record: dict[str, Any]) -> Iterator[tuple[str, Digested]]:
        """What the record says it wrote is believed; the rest is small and read."""
        told = record.get("outputs", {})
        for slot, file in self.outputs(job).items():
            path = self.root / file
            if file in job.outputs.values() and path.name in told:
                yield slot, Digested(file, told[path.name])
            elif path.exists():
                yield slot, Digested(file, digest_of(path))

    def _inputs(self, job: Job, record: dict[str, Any]) -> dict[str, Digested]:
        if job.stage not in DRAWN:
            told = record.get("inputs", {})
            return {slot: Digested(said["path"], said["sha256"]) for slot, said in told.items()}
        read = (".metrics", ".looks", "settings")
        files = {slot: file for slot, file in job.inputs.items() if slot.endswith(read)}
        there = {slot: file for slot, file in files.items() if (self.root / file).exists()}
        return {slot: Digested(file, sha256(self.root / file)) for slot, file in there.items()}

    def _tags(self, job: Job, seen: Seen) -> dict[str, str]:
        cells, record = self.places.cells(job), seen.record
        seats: dict[str, list[str]] = {}
        for cell in cells:
            seats.setdefault(cell.table, []).append(f"{cell.column} / {cell.row}")
        tags = {"run": job.path, "stage": job.stage, "scale": self.plan.scale} | words_of(job)
        if cells:
            tags |= {"row": cells[0].row, "column": cells[0].column}
        tags |= {f"table.{table}": ", ".join(where) for table, where in seats.items()}
        if record:
            tags |= {
                "device": record["device"],
                "host": ", ".join(dict.fromkeys(start["host"] for start in record["starts"])),
                "started at steps": ", ".join(str(start["step"]) for start in record["starts"]),
                "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
                "commit": (record["commit"] or "unknown") + (" with changes" if record["dirty"] else ""),
                "mlflow.source.git.commit": record["commit"] or "",
            }
            tags["settings"] = "the plan's" if seen.is_planned else "not the plan's: stale"
            tags["mlflow.runColor"] = self.places.colour(job)
        return tags | {"mlflow.source.name": f"sdetr, stage {job.stage}", "mlflow.source.type": "LOCAL"}

    def _measured(self, outputs: dict[str, Digested]) -> dict[str, float]:
        if "metrics" not in outputs:
            return {}
        said = json.loads((self.root / outputs["metrics"].path).read_bytes())
        return {name: float(value) for name, value in said["metrics"].items()}


def _drawn(job: Job, outputs: dict[str, Digested], root: Path) -> Iterator[Picture]:
    """What a figure is."""
    if "png" in outputs:
        yield Picture(root / outputs["png"].path, job.settings["id"], 0)


def _pictures(folder: Path | None) -> Iterator[Picture]:
    """`found-0000120.png` is step 120 of `found`; a name without a number is shown once, at step 0."""
    for path in sorted((folder / "pictures").glob("*.png")) if folder else []:
        key, _, number = path.stem.rpartition("-")
        yield Picture(path, key, int(number)) if key and number.isdigit() else Picture(path, path.stem, 0)
