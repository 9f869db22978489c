"""What a scale makes of a run: its settings, beside those of the same run at the papers' scale."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdetr.config.base import Settings
from sdetr.config.costing import cost
from sdetr.config.experiment import Composer
from sdetr.config.finetuning import finetune
from sdetr.config.flat import flat
from sdetr.config.job import Job
from sdetr.config.looking import look, look_at_proposer
from sdetr.config.measuring import measure, measure_proposer
from sdetr.config.plan import Plan
from sdetr.config.pretraining import pretrain
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.data.subsets.settings import SEED
from sdetr.evaluation.look_settings import LookRun
from sdetr.evaluation.settings import MeasureRun
from sdetr.report.page_settings import Difference
from sdetr.training.cost_settings import CostRun
from sdetr.training.settings import FinetuneRun, PretrainRun

PAPER = "paper"
"""The scale whose settings are the papers'."""
KINDS: dict[str, type[Settings]] = {"pretrain": PretrainRun, "finetune": FinetuneRun, "measure": MeasureRun}
KINDS |= {"cost": CostRun, "look": LookRun}
"""Stages of runs → what decides them."""
STAND_INS = {"backbone": "backbones", "proposals": "proposers"}
"""Stage → the section of a scale that says what stands for the paper's."""


def seedless(job: Job) -> str:
    """Seeds of a run differ from the paper's alike, but where each of them trains on a draw of its own."""
    own_draw = SEED in str(job.settings["protocol"].get("dataset"))
    return job.path if own_draw else job.path.rpartition("/")[0]


def differences(stages: Stages, job: Job) -> Iterator[Difference]:
    """Settings of the same run at the papers' scale that are others here; first what stands for what."""
    if stages.plan.scale == PAPER:
        return
    # A plan for this run alone: whether papers' runs agree with each other is not asked here.
    twin = planned_at(Stages(Plan(PAPER), Composer(stages.compose.params, PAPER)), job.path)
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


def planned_at(stages: Stages, path: str) -> Job:
    """The run of a path, at the scale of other stages."""
    kind, protocol, one, two, seed = path.split("/")
    number = int(seed.removeprefix("seed"))
    if kind == "pretrain":
        return pretrain(stages, protocol, one, two, number)
    if kind == "finetune":
        return finetune(stages, protocol, one, Start.parse(two), number)
    if kind == "bench":
        return cost(stages, protocol, one, Start.parse(two), [number])[0]
    if stages.compose.task(protocol) == "pictures":
        return (
            look_at_proposer(stages, protocol, two)
            if one == "proposer"
            else look(stages, protocol, one, Start.parse(two))
        )
    if one == "proposer":
        return measure_proposer(stages, protocol, two)
    return measure(stages, protocol, one, Start.parse(two), [number])[0]


def _values(job: Job, scale: str) -> dict[str, Any]:
    """Dotted field → value, defaults too; files by what they hold, not by their scale."""
    said = KINDS[job.stage].model_validate(job.settings).model_dump(mode="json", by_alias=True)
    fields = {
        field: value.replace(f"data/{scale}/", "data/") if isinstance(value, str) else value
        for field, value in flat(said).items()
    }
    fields.pop("features", None)  # follows from protocol.features_ahead
    return fields
