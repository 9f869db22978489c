"""The experiments of a scale and the runs in them: found again or made, one per execution of a job."""

import logging
from typing import Any, NamedTuple

from sdetr.tracking.door import Door
from sdetr.tracking.experiments import experiments_of
from sdetr.tracking.memory import Memory
from sdetr.tracking.portrait import Portrait
from sdetr.tracking.recall import recall

log = logging.getLogger(__name__)

PAGE = 200
"""Runs fetched at a time."""
ABOUT = {
    "inputs": "Data, backbones, proposals, planned views and features: what runs are made from.",
    "pretrain": "Pretrainings, without labels. Their followers are in the experiments of the tables.",
    "tables": "The tables themselves: the page, its numbers, and links to every run that it reads.",
    "finetune": "Fine-tunings that no table of this plan reads.",
}


class Known(NamedTuple):
    """A run that MLflow has."""

    run_id: str
    experiment_id: str
    attempt: str


class Shelf:
    """What MLflow has of one scale."""

    def __init__(self, door: Door, scale: str, titles: dict[str, str]) -> None:
        """`titles` of tables, by id. Raises TrackingError."""
        self._door, self._scale, self._titles = door, scale, titles
        self._experiments = experiments_of(door, scale)
        self._runs: dict[str, list[Known]] = {}
        for run in self._all_runs(list(self._experiments.values())):
            tags = run.data.tags
            known = Known(run.info.run_id, run.info.experiment_id, tags.get("attempt", ""))
            self._runs.setdefault(tags.get("run", ""), []).append(known)

    def place(self, portrait: Portrait, memory: Memory) -> bool:
        """Lets `memory` speak of the run of this portrait, found or made; True if it spoke of another before.

        A run of an earlier execution is deleted as MLflow deletes: it can be restored there.
        """
        attempt = f"{portrait.attempt[:16]}.{memory.cuts}"
        known = self._runs.setdefault(portrait.run, [])
        found = next((one for one in known if one.attempt == attempt), None)
        if found and memory.run_id == found.run_id:
            return False
        mine, former = found or self._made(portrait, attempt), memory.run_id
        memory.begin(mine.run_id, mine.experiment_id, attempt)
        if found:
            recall(self._door, portrait, memory)
        else:
            known.append(mine)
        self._retire(portrait, mine, former)
        return True

    def _retire(self, portrait: Portrait, mine: Known, former: str) -> None:
        """Earlier executions: the one remembered, and all in a database that is this root's alone."""
        for one in list(self._runs[portrait.run]):
            own = one.run_id == former or not self._door.store.is_server
            if one.run_id != mine.run_id and own:
                self._door("set_tag", one.run_id, "superseded_by", mine.run_id)
                self._door("delete_run", one.run_id)
                self._runs[portrait.run].remove(one)
                log.info("%s was made anew; its former run in MLflow is among the deleted ones", portrait.run)

    def _made(self, portrait: Portrait, attempt: str) -> Known:
        experiment = self._experiment(portrait.experiment)
        tags = {"run": portrait.run, "attempt": attempt, "stage": portrait.job.stage}
        made = self._door(
            "create_run", experiment, start_time=portrait.begun_ms, tags=tags, run_name=portrait.name
        )
        return Known(made.info.run_id, experiment, attempt)

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            found = self._door("get_experiment_by_name", name)
            if found and found.lifecycle_stage == "deleted":
                self._door("restore_experiment", found.experiment_id)
            kind = name.partition("/")[2]
            tags = {
                "mlflow.experimentKind": "custom_model_development",
                "mlflow.note.content": ABOUT.get(kind, self._titles.get(kind, "")),
                "scale": self._scale,
            }
            location = self._door.store.artifacts(name)
            self._experiments[name] = (
                found.experiment_id
                if found
                else self._door("create_experiment", name, artifact_location=location, tags=tags)
            )
        return self._experiments[name]

    def _all_runs(self, experiments: list[str]) -> Any:
        token = None
        while experiments:
            page = self._door("search_runs", experiments, max_results=PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return
