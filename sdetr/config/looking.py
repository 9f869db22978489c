"""Jobs that look at a detector for a figure: as it was drawn, pretrained or fine-tuned, or at a proposer."""

from dataclasses import replace
from typing import Any

import sdetr.training.settings as training
from sdetr.config.base import Settings, SettingsError
from sdetr.config.experiment import Composer
from sdetr.config.finetuning import evaluate, finetune, protocol_of, stands_for
from sdetr.config.job import Job
from sdetr.config.layers import nearest
from sdetr.config.measuring import proposed, untrained
from sdetr.config.pretraining import pretrain
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.data.subsets.settings import of_draw
from sdetr.evaluation.look_settings import LOOKS, FinetunedSettings, LookRun, PatchesSettings, SearchSettings
from sdetr.evaluation.settings import PretrainedSettings
from sdetr.objectives.settings import UpdetrSettings
from sdetr.report.figure_settings import LooksPanel, ProposalsPanel
from sdetr.views.settings import CropsSettings

RUN_FILES = {"looks": LOOKS, "settings_copy": "settings.yaml", "record": "run.json"}
"""What a finished run declares, by slot."""
SEED = 0
"""Of what is drawn, or of a pretraining whose start names none: a figure shows one run."""


def looks_of(
    stages: Stages,
    compose: Composer,
    figure: str,
    panel: LooksPanel | ProposalsPanel,
    stand_ins: dict[str, str],
) -> Job | None:
    """What a panel shows, or None where it belongs to other scales. `stand_ins`: the papers' data sets and
    backbones → what stands for them here, which is added to.
    """
    if isinstance(panel, ProposalsPanel):
        stand_ins |= stands_for(stages, [compose.picturing(panel.protocol).dataset], "", None)
        return look_at_proposer(stages, panel.protocol, panel.proposer)
    known = compose.params.names("scales")
    for scale in panel.scales:
        if scale not in known:
            raise SettingsError(f"figure {figure}: scales: {nearest(scale, known)}")
    if panel.scales and not set(panel.scales) & set(compose.params.kin("scales", compose.scale_name)):
        return None
    start = Start.parse(panel.start)
    datasets = [compose.picturing(panel.protocol).dataset]
    for n, stage in enumerate(start.further):
        settings = protocol_of(stages, stage.protocol, panel.model, replace(start, further=start.further[:n]))
        datasets.append(of_draw(settings.dataset, stage.seed))
    stand_ins |= stands_for(stages, datasets, panel.model, start)
    return look(stages, panel.protocol, panel.model, start)


def look(stages: Stages, protocol: str, model: str, start: Start) -> Job:
    """What one detector shows, after all that it rests on."""
    if start.further:
        said, inputs = _finetuned(stages, protocol, model, start)
    elif start.pretext:
        said, inputs = _pretrained(stages, protocol, model, start)
    else:
        said, inputs = _untrained(stages, protocol, model, start)
    return _add(stages, protocol, f"{model}/{start}/seed{SEED}", said, inputs)


def look_at_proposer(stages: Stages, protocol: str, proposer: str) -> Job:
    """Its first boxes; nothing of it depends on a seed."""
    what = proposed(stages, stages.compose.picturing(protocol).dataset, proposer)
    return _add(stages, protocol, f"proposer/{proposer}/seed0", *what)


def _untrained(stages: Stages, protocol: str, model: str, start: Start) -> tuple[Settings, dict[str, str]]:
    if stages.compose.picturing(protocol).logits is None:
        raise SettingsError(f"protocol {protocol}: logits is missing; start {start} was never trained")
    return untrained(stages, protocol, model, start, SEED)


def _pretrained(stages: Stages, protocol: str, model: str, start: Start) -> tuple[Settings, dict[str, str]]:
    assert start.pretext and start.pretraining
    before = pretrain(stages, start.pretraining.protocol, start.pretext, model, start.pretraining.seed)
    inputs: dict[str, str] = {slot: before.outputs[file] for slot, file in SLOTS.items()}
    if not isinstance(stages.compose.picturing(protocol).show, PatchesSettings):
        return PretrainedSettings(kind="pretrained", **inputs), inputs
    pretext = stages.compose.pretext(
        start.pretext,
        facts := stages.compose.pretraining_facts(model, start.pretraining.protocol, start.pretext),
    )
    views = stages.compose.views(pretext.views, facts)
    if not (isinstance(pretext, UpdetrSettings) and isinstance(views, CropsSettings)):
        raise SettingsError(
            f"protocol {protocol} shows patches; start {start} searches for none, UP-DETR does"
        )
    return SearchSettings(kind="search", pretext=pretext, views=views, **inputs), inputs


SLOTS = {"init": "weights", "heads": "heads"}
"""Of a look → of a pretraining."""


def _finetuned(stages: Stages, protocol: str, model: str, start: Start) -> tuple[Settings, dict[str, str]]:
    last = start.further[-1]
    before = finetune(stages, last.protocol, model, start.without_last(), last.seed)
    evaluate(stages, before)  # for its page: no table may have it here
    inputs = {"init": before.outputs["weights"]}
    return FinetunedSettings(kind="finetuned", **inputs), inputs


def _add(stages: Stages, protocol: str, what: str, said: Any, inputs: dict[str, str]) -> Job:
    settings = stages.compose.picturing(protocol)
    test = stages.dataset(settings.dataset).outputs["index"]
    run = LookRun(stage="look", recipe=training.RECIPES["look"], protocol=settings, test=test, what=said)
    path = f"evaluate/{protocol}/{what}"
    return stages.add("look", path, run, inputs | {"test": test}, stages.under(path, RUN_FILES))
