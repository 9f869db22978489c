"""The job before anything long: a few labelled images learned by heart, at the scales that say so."""

from typing import Any

import sdetr.training.settings as training
from sdetr.config.experiment import Composer
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.training.rehearsal_settings import RehearsalRun

SCALE = "overfit"
"""Whose detectors and backbone are small enough for minutes on one core."""
BACKBONE = "supervised_r50"
"""Whose shape, at that scale, the backbone has; its weights are drawn."""
FILES = {"check": "check.json", "settings_copy": "settings.yaml", "record": "run.json"}


def rehearsal(stages: Stages) -> dict[str, str]:
    """Slot → file that whatever trains a detector waits for; empty at scales that do not rehearse."""
    said = stages.compose.scale.rehearsal
    if said is None:
        return {}
    small = Composer(stages.compose.params, SCALE)
    facts = small.finetuning_facts(said.model, said.protocol, Start(BACKBONE))
    protocol, model = small.finetuning(said.protocol, facts), small.model(said.model, facts)
    inputs = {"train": stages.dataset(said.dataset).outputs["index"]}
    some: dict[str, Any] = {} if said.boxes else {"boxes": False}
    run = RehearsalRun(
        stage="rehearse",
        recipe=training.RECIPES["rehearse"],
        seed=0,
        images=said.images,
        enough=said.enough,
        protocol=protocol.model_copy(update={"resize": said.resize} if said.resize else {}),
        model=model,
        trunk=small.backbone(BACKBONE).trunk,
        proposer=Composer(stages.compose.params, "demo").proposer("edgeboxes"),
        train=inputs["train"],
        **some,
    )
    path = f"rehearse/{said.protocol}/{said.model}/{said.dataset}/seed0"
    return {
        "rehearsal": stages.add("rehearse", path, run, inputs, stages.under(path, FILES)).outputs["check"]
    }
