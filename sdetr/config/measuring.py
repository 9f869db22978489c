"""Jobs that train nothing: what a pretrained detector, or its proposer, finds as it is."""

from collections.abc import Iterable
from dataclasses import replace

import sdetr.training.settings as training
from sdetr.config.base import SettingsError
from sdetr.config.job import Job
from sdetr.config.pretraining import pretrain, propose
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.evaluation.settings import MeasureRun, PretrainedSettings, ProposerSettings, UntrainedSettings

Inputs = dict[str, str]
"""Slot → file, from the root."""
RUN_FILES = {"predictions": "predictions.json", "settings_copy": "settings.yaml", "record": "run.json"}
"""What a finished run declares, by slot."""


def measure(stages: Stages, protocol: str, model: str, start: Start, seeds: Iterable[int]) -> list[Job]:
    """What a detector finds without fine-tuning, a run per seed.

    The seed is that of its pretraining, unless the start names one; of an untrained one, that of its weights.
    Raises SettingsError for a start that was fine-tuned.
    """
    if start.further:
        raise SettingsError(f"start {start} was fine-tuned, but protocol {protocol} measures what was not")
    if start.pretext:
        runs = [_pretrained(stages, protocol, model, start, seed) for seed in seeds]
    else:
        of_seed = {seed: untrained(stages, protocol, model, start, seed) for seed in seeds}
        runs = [_add(stages, protocol, f"{model}/{start}/seed{s}", *what) for s, what in of_seed.items()]
    return list({run.path: run for run in runs}.values())


def measure_proposer(stages: Stages, protocol: str, proposer: str) -> Job:
    """What a proposer finds; nothing of it depends on a seed."""
    what = proposed(stages, stages.compose.measuring(protocol).dataset, proposer)
    return _add(stages, protocol, f"proposer/{proposer}/seed0", *what)


def proposed(stages: Stages, dataset: str, proposer: str) -> tuple[ProposerSettings, Inputs]:
    """What a proposer finds in a data set, and its file."""
    inputs = {"proposals": propose(stages, dataset, proposer).outputs["file"]}
    return ProposerSettings(kind="proposer", **inputs), inputs


def untrained(
    stages: Stages, protocol: str, model: str, start: Start, seed: int
) -> tuple[UntrainedSettings, Inputs]:
    """A detector whose weights are drawn on the backbone of its start, and that backbone's file."""
    compose, backbone = stages.compose, str(start.backbone)
    inputs = {"init": stages.backbone(backbone).outputs["weights"]}
    said = UntrainedSettings(
        kind="untrained",
        seed=seed,
        model=compose.model(model, compose.finetuning_facts(model, protocol, start)),
        trunk=compose.backbone(backbone).trunk,
        **inputs,
    )
    return said, inputs


def _pretrained(stages: Stages, protocol: str, model: str, start: Start, seed: int) -> Job:
    assert start.pretext and start.pretraining
    last = replace(start.pretraining, seed=start.pretraining.seed or seed)
    before = pretrain(stages, last.protocol, start.pretext, model, last.seed)
    inputs = {"init": before.outputs["weights"], "heads": before.outputs["heads"]}
    said = PretrainedSettings(kind="pretrained", **inputs)
    path = f"{model}/{replace(start, pretraining=last)}/seed{last.seed}"
    return _add(stages, protocol, path, said, inputs)


def _add(
    stages: Stages,
    protocol: str,
    what: str,
    said: UntrainedSettings | PretrainedSettings | ProposerSettings,
    inputs: Inputs,
) -> Job:
    settings = stages.compose.measuring(protocol)
    test = stages.dataset(settings.dataset).outputs["index"]
    run = MeasureRun(
        stage="measure", recipe=training.RECIPES["measure"], protocol=settings, test=test, what=said
    )
    path = f"evaluate/{protocol}/{what}"
    return stages.add("measure", path, run, inputs | {"test": test}, stages.under(path, RUN_FILES))
