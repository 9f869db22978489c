"""What the runs of a plan will take: GPU-hours, time on so many GPUs, disk; what nobody knows is said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from sdetr.config.disk import bytes_of, images_of
from sdetr.config.effort import per_image
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.throughput import Alike, Rate, alike
from sdetr.config.timetable import Task, critical_hours, wall_hours
from sdetr.proposals.settings import Proposer

RateOf = Callable[[Job, Alike], Rate | None]
"""Of a run, and what it is like; none where nobody knows."""
TRAINS = ("pretrain", "finetune")


@dataclass(frozen=True)
class Hours:
    """Of one job."""

    known: float | None
    """On its GPU, or on one core; None: nobody knows how fast it is."""
    limit: float
    """What it may ask of a cluster."""
    kind: Alike | None = None
    rate: Rate | None = None


@dataclass(frozen=True)
class Cost:
    """Of some jobs and all that they rest on."""

    name: str
    stages: dict[str, int]
    alone: int
    """Jobs that nothing else in the plan needs."""
    gpu_runs: int
    unknown: int
    """Those among them of which nobody knows how fast they are."""
    gpu_hours: float
    """Of the others."""
    limit_hours: float
    """Of all, if each took as long as it may ask."""
    wall_hours: float
    """Of what is known, on the GPUs there are."""
    chain_hours: float
    """Of what is known, on any number of GPUs."""
    gigabytes: float
    uncounted: int
    """Jobs whose disk nobody knows."""

    @property
    def jobs(self) -> int:
        return sum(self.stages.values())


@dataclass
class Estimator:
    """Asks each job once."""

    plan: Plan
    rate_of: RateOf
    gpus: int
    _asked: dict[str, Hours] = field(default_factory=dict)

    def hours(self, job: Job) -> Hours:
        if job.path not in self._asked:
            self._asked[job.path] = self._hours(job)
        return self._asked[job.path]

    def tables(self) -> list[Cost]:
        """Each with what it rests on, and all together; without pages, of which every run has one."""
        shown = [*self.plan.of("table"), *self.plan.of("figure")]
        needs = {job.path: {one.path for one in self.plan.before([job])} for job in shown}
        costs = []
        for table, mine in needs.items():
            others = set[str]().union(*(theirs for other, theirs in needs.items() if other != table))
            kind, name = table.split("/")
            costs.append(
                self._cost(name if kind == "tables" else f"{name}, figure", mine, len(mine - others))
            )
        all_ = set[str]().union(*needs.values())
        return [*costs, self._cost("all of them", all_, len(all_))]

    def _cost(self, name: str, paths: set[str], alone: int) -> Cost:
        jobs = [job for path, job in self.plan.jobs.items() if path in paths]
        runs = [job for job in jobs if job.resources.gpu or job.stage in TRAINS]
        known = {job.path: self.hours(job).known for job in runs}
        sizes = [bytes_of(self.plan, job) for job in jobs]
        tasks = self._tasks(jobs)
        return Cost(
            name,
            {stage: len([job for job in jobs if job.stage == stage]) for stage in _stages(jobs)},
            alone,
            len(runs),
            sum(hours is None for hours in known.values()),
            sum(hours or 0.0 for hours in known.values()),
            sum(self.hours(job).limit for job in runs),
            wall_hours(tasks, self.gpus),
            critical_hours(tasks),
            sum(size or 0.0 for size in sizes) / 1e9,
            sum(size is None for size in sizes),
        )

    def _tasks(self, jobs: list[Job]) -> dict[str, Task]:
        """What nobody knows takes no time."""
        tasks = {}
        for job in jobs:
            files = [file for slot, file in job.inputs.items() if slot != "settings"]
            before = frozenset(self.plan.maker(file).path for file in files)
            on = max(job.resources.gpu, int(job.stage in TRAINS))
            tasks[job.path] = Task(self.hours(job).known or 0.0, on, before)
        return tasks

    def _hours(self, job: Job) -> Hours:
        limit = job.resources.minutes / 60
        if job.stage == "proposals":
            proposer = TypeAdapter(Proposer).validate_python(job.settings["proposer"])
            images = images_of(self.plan, job.inputs["dataset"])
            each = per_image(proposer)[0] / 3600 / self.plan.shards
            return Hours(None if images is None else images * each, limit)
        if job.stage not in TRAINS:
            return Hours(None if job.resources.gpu else 0.0, limit)
        kind = alike(job)
        rate, looks = self.rate_of(job, kind), self._looks(job)
        known = None if rate is None or looks is None else looks / rate.images_per_second / 3600
        return Hours(known, limit, kind, rate)

    def _looks(self, job: Job) -> int | None:
        """Images that a training looks at, each as often as it does."""
        protocol = job.settings["protocol"]
        images = images_of(self.plan, job.inputs["train" if job.stage == "finetune" else "dataset"])
        length = protocol.get("steps_per_epoch") or (images // protocol["batch"] if images else None)
        return None if length is None else max(1, round(protocol["epochs"] * length)) * int(protocol["batch"])


def _stages(jobs: Iterable[Job]) -> list[str]:
    """Those that there are, in the order of the plan."""
    return list(dict.fromkeys(job.stage for job in jobs))
