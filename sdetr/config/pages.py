"""Pages of runs: what a plan knows of a run that its folder does not say."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sdetr.report.settings as report
from sdetr.config.experiment import Composer
from sdetr.config.finetuning import finetune
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.pretraining import pretrain
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.report.settings import Difference, Mention, PageRun
from sdetr.training.settings import FinetuneRun, PretrainRun

PAPER = "paper"
"""The scale whose settings are the papers'."""
RUNS: dict[str, type[PretrainRun] | type[FinetuneRun]] = {"pretrain": PretrainRun, "finetune": FinetuneRun}
"""Stages whose jobs have a page."""
READ = ("record", "curve", "settings_copy")
"""Of a run folder, by slot; its pictures are written before its record, and a folder has no checksum."""
STAND_INS = {"backbone": "backbones", "proposals": "proposers"}
"""Stage → the section of a scale that says what stands for the paper's."""


def add_pages(stages: Stages) -> None:
    """A page for every run that trains a detector; called when the plan has everything else."""
    plan = stages.plan
    runs = [job for stage in RUNS for job in plan.of(stage)]
    mentions, followers = _mentions(plan), _followers(plan)
    one_of_each = {_seedless(job): job for job in runs}
    differences = {path: tuple(_differences(stages, job)) for path, job in one_of_each.items()}
    for job in runs:
        evaluation = plan.jobs.get(f"{job.path}/metrics")
        # What is empty is not said, as everywhere in settings files.
        lists: dict[str, Any] = {
            "measured": evaluation.digest if evaluation else None,
            "differences": differences[_seedless(job)],
            "tables": tuple(mentions[job.path]),
            "followers": tuple(followers[job.path]),
        }
        run = PageRun(
            stage="page",
            recipe=report.RECIPES["page"],
            scale=plan.scale,
            compares=stages.compose.scale.compares,
            run=job.path,
            settings=job.digest,
            **{name: said for name, said in lists.items() if said},
        )
        inputs = {slot: job.outputs[slot] for slot in READ}
        if evaluation:
            inputs["metrics"] = evaluation.outputs["metrics"]
        outputs = {"page": f"reports/{plan.scale}/runs/{job.path}.html"}
        stages.add("page", f"runs/{job.path}", run, inputs, outputs)


def _mentions(plan: Plan) -> dict[str, list[Mention]]:
    """Run → the cells of tables that it stands in."""
    found: dict[str, list[Mention]] = defaultdict(list)
    for job in plan.of("table"):
        table = job.settings["table"]
        for row, columns in job.settings["cells"].items():
            for column, runs in columns.items():
                where = Mention(
                    table=job.settings["id"],
                    title=table["title"],
                    row=table["rows"][row]["label"],
                    column=table["columns"][column]["label"],
                )
                for run in runs:
                    found[run["run"].removeprefix(f"data/{plan.scale}/")].append(where)
    return found


def _followers(plan: Plan) -> dict[str, list[str]]:
    """Run → those that start from its weights, or look at what they find as they are."""
    found: dict[str, list[str]] = defaultdict(list)
    for job in [*plan.of("finetune"), *plan.of("measure")]:
        if init := job.inputs.get("init"):
            found[plan.maker(init).path].append(job.path)
    return found


def _seedless(job: Job) -> str:
    """Runs that differ in their seed differ from the paper's in the same settings."""
    return job.path.rpartition("/")[0]


def _differences(stages: Stages, job: Job) -> Iterator[Difference]:
    """Settings of the same run at the papers' scale that are others here; first what stands for what."""
    if stages.plan.scale == PAPER:
        return
    # A plan for this run alone: whether papers' runs agree with each other is not asked here.
    twin = _planned(Stages(Plan(PAPER), Composer(stages.compose.params, PAPER)), job.path)
    for slot, file in job.inputs.items():
        before = stages.plan.maker(file) if slot != "settings" else job
        if section := STAND_INS.get(before.stage):
            name = Path(before.path).name
            here = getattr(stages.compose.scale, section).get(name, name)
            if here != name:
                yield Difference(field=section.removesuffix("s"), here=here, paper=name)
    one, two = (_values(run, scale) for run, scale in ((job, stages.plan.scale), (twin, PAPER)))
    for field in dict.fromkeys([*one, *two]):
        if one.get(field) != two.get(field):
            yield Difference(field=field, here=one.get(field), paper=two.get(field))


def _planned(stages: Stages, path: str) -> Job:
    """The run of a path, at the scale of other stages."""
    kind, protocol, *words, seed = path.split("/")
    number = int(seed.removeprefix("seed"))
    if kind == "pretrain":
        pretext, model = words
        return pretrain(stages, protocol, pretext, model, number)
    model, start = words
    return finetune(stages, protocol, model, Start.parse(start), number)


def _values(job: Job, scale: str) -> dict[str, Any]:
    """Dotted field → value, defaults too; files by what they hold, not by their scale."""
    said = RUNS[job.stage].model_validate(job.settings).model_dump(mode="json", by_alias=True)
    flat = {
        field: value.replace(f"data/{scale}/", "data/") if isinstance(value, str) else value
        for field, value in _flat(said)
    }
    flat.pop("features", None)  # follows from protocol.features_ahead
    return flat


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
