"""Jobs with labels: fine-tuning from any start, and what is measured of it."""

from collections.abc import Iterator
from typing import Any

import sdetr.evaluation.settings as evaluation
import sdetr.training.settings as training
from sdetr.config.base import SettingsError
from sdetr.config.job import Job
from sdetr.config.pretraining import initial_backbone, pretrain
from sdetr.config.rehearsing import rehearsal
from sdetr.config.stages import Stages
from sdetr.config.start import Stage, Start
from sdetr.data.subsets.settings import of_draw
from sdetr.evaluation.settings import EvaluateRun
from sdetr.models.settings import ModelSettings
from sdetr.training.settings import FinetuneRun, ProtocolSettings

RUN_FILES = {
    "weights": "weights.safetensors",
    "settings_copy": "settings.yaml",
    "curve": "metrics.jsonl",
    "predictions": "predictions.json",
    "record": "run.json",
    "pictures": "pictures",
}
"""What a finished run declares, by slot; `pictures` is a folder."""
SEGMENTS = {"panoptic": "panoptic.json", "segments": "panoptic"}
"""And one that learned masks; the latter is a folder, of the PNGs that the former lists."""


def finetune(stages: Stages, protocol: str, model: str, start: Start, seed: int) -> Job:
    """A run, after everything that it starts from."""
    settings = protocol_of(stages, protocol, model, start)
    before = _before(stages, start, model)
    inputs = {
        "init": before.outputs["weights"],
        "train": stages.dataset(of_draw(settings.dataset, seed)).outputs["index"],
        "test": stages.dataset(settings.test).outputs["index"],
    }
    detector = stages.compose.model(model, stages.compose.finetuning_facts(model, protocol, start))
    some: dict[str, Any] = _fresh(settings, detector, before, f"{protocol} of {model} from {start}")
    if settings.task == "one_shot":
        inputs |= (asks := _asks(before))
        some |= {"unseen": _unseen(stages, protocol, settings), **asks}
    run = FinetuneRun(
        stage="finetune",
        recipe=training.RECIPES["finetune"],
        seed=seed,
        protocol=settings,
        model=detector,
        trunk=stages.compose.backbone(root(stages, start, model)).trunk,
        train=inputs["train"],
        test=inputs["test"],
        **some,
    )
    path = f"finetune/{protocol}/{model}/{start}/seed{seed}"
    files = RUN_FILES | (SEGMENTS if settings.masks else {})
    return stages.add("finetune", path, run, inputs | rehearsal(stages), stages.under(path, files))


def _fresh(
    settings: ProtocolSettings, detector: ModelSettings, before: Job, what: str
) -> dict[str, tuple[str, ...]]:
    """Of a detector only what belongs to classes is new: other classes, or another number of them.

    Or else the mask head alone. Raises SettingsError for one on a detector of unknown segments.
    """
    if settings.masks is None:
        return {} if before.stage == "backbone" else {"fresh": detector.of_classes}
    said = before.settings.get("protocol", {})
    if said.get("task") != "panoptic_boxes" or said["dataset"] != settings.dataset:
        raise SettingsError(
            f"{what}: masks are learned of boxes that are known already; start from a protocol of task "
            f"panoptic_boxes on {settings.dataset}, appended with +"
        )
    try:
        detector.with_masks(settings.masks.attention)
    except ValueError as error:
        raise SettingsError(f"{what}: {error}") from error
    return {"fresh": ("mask_head.",)}


def evaluate(stages: Stages, run: Job) -> Job:
    """What is measured of a run's predictions."""
    if run.stage == "measure":  # what is measured without being trained knows no classes
        how: dict[str, Any] = {"any_class": True}
    else:
        how = {"eleven_point": stages.compose.whole(run.settings["protocol"]["test"]).layout == "voc"}
        if run.settings["protocol"].get("matched"):
            how["matched"] = True
        if run.settings["protocol"].get("novel"):
            how["novel"] = _novel(stages, run.settings["protocol"]["test"])
        if run.settings["protocol"]["task"] == "one_shot":
            how |= {"one_shot": True, "unseen": run.settings["unseen"]}
    inputs = {"predictions": run.outputs["predictions"], "test": run.inputs["test"]}
    if "panoptic" in run.outputs:
        how["panoptic"] = inputs["panoptic"] = run.outputs["panoptic"]
        inputs["segments"] = run.outputs["segments"]
    settings = EvaluateRun(stage="evaluate", recipe=evaluation.RECIPE, test=run.inputs["test"], **how)
    outputs = stages.under(run.path, {"metrics": "metrics.json", "resamples": evaluation.RESAMPLES})
    return stages.add("evaluate", f"{run.path}/metrics", settings, inputs, outputs)


def _novel(stages: Stages, test: str) -> tuple[str, ...]:
    if novel := stages.compose.whole(test).novel:
        return novel
    raise SettingsError(
        f"data set {test}: a protocol measures novel classes on it, but it does not say which they are; "
        "name them there as `novel:`"
    )


def protocol_of(stages: Stages, protocol: str, model: str, start: Start) -> ProtocolSettings:
    return stages.compose.finetuning(protocol, stages.compose.finetuning_facts(model, protocol, start))


def root(stages: Stages, start: Start, model: str) -> str:
    """The backbone that everything began with."""
    if start.backbone:
        return start.backbone
    if not (start.pretext and start.pretraining):
        raise SettingsError(f"start {start} has neither a backbone nor a pretraining")
    return initial_backbone(stages, start.pretraining.protocol, start.pretext, model)


def stands(stages: Stages, protocol: str, model: str, start: Start) -> dict[str, str]:
    """The papers' data sets and backbone of a run → what stands for them here, where it differs."""
    settings = protocol_of(stages, protocol, model, start)
    return stands_for(stages, [of_draw(settings.dataset, 0), settings.test], model, start)


def stands_for(stages: Stages, datasets: list[str], model: str, start: Start | None) -> dict[str, str]:
    """The same of data sets, and of all that a start brings, if there is one."""
    datasets, backbones = list(datasets), [root(stages, start, model)] if start else []
    for stage, earlier in _stages(start):
        datasets.append(of_draw(protocol_of(stages, stage.protocol, model, earlier).dataset, stage.seed))
    if start and start.pretext and start.pretraining:
        facts = stages.compose.pretraining_facts(model, start.pretraining.protocol, start.pretext)
        datasets.append(stages.compose.pretraining(start.pretraining.protocol, facts).dataset)
    names = {name: stages.compose.dataset_name(name) for name in datasets}
    names |= {name: stages.compose.scale.backbones.get(name, name) for name in backbones}
    return {name: here for name, here in names.items() if name != here}


def _stages(start: Start | None) -> Iterator[tuple[Stage, Start]]:
    """The fine-tunings of a start, first to last, and where each itself started."""
    if start and start.further:
        yield from _stages(earlier := start.without_last())
        yield start.further[-1], earlier


def _before(stages: Stages, start: Start, model: str) -> Job:
    """The job whose weights a start takes."""
    if start.further:
        last = start.further[-1]
        return finetune(stages, last.protocol, model, start.without_last(), last.seed)
    if start.pretext and start.pretraining:
        return pretrain(stages, start.pretraining.protocol, start.pretext, model, start.pretraining.seed)
    return stages.backbone(root(stages, start, model))


def _asks(before: Job) -> dict[str, str]:
    """The file that has learned to make a query of a crop, if any: UP-DETR's has, and a one-shot run's."""
    if before.stage == "pretrain" and before.settings["pretext"]["kind"] == "updetr":
        return {"heads": before.outputs["heads"]}
    if before.stage == "finetune" and before.settings["protocol"]["task"] == "one_shot":
        return {"heads": before.outputs["weights"]}
    return {}


def _unseen(stages: Stages, protocol: str, settings: ProtocolSettings) -> tuple[str, ...]:
    """Raises SettingsError where the test set does not say which classes are held back."""
    whole = stages.compose.whole(settings.test)
    if not whole.unseen:
        found = f"protocol {protocol}: {stages.compose.dataset_name(settings.test)} has no unseen classes"
        raise SettingsError(f"{found}, which one-shot detection is about; name them there as `unseen:`")
    return whole.unseen
