"""Jobs that take a few steps of a pretraining, to see what a step takes."""

from collections.abc import Iterable
from dataclasses import replace

import sdetr.training.settings as training
from sdetr.config.base import SettingsError
from sdetr.config.job import Job
from sdetr.config.pretraining import unlabelled
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.training.cost_settings import CostRun

RUN_FILES = {"cost": "cost.json", "settings_copy": "settings.yaml", "record": "run.json"}
"""What a finished run declares, by slot."""


def cost(stages: Stages, protocol: str, model: str, start: Start, seeds: Iterable[int]) -> list[Job]:
    """A run per seed, which is that of the pretraining unless the start names one.

    Raises SettingsError for a start that is no pretraining, or more than one.
    """
    settings, last = stages.compose.costing(protocol), start.pretraining
    if not (start.pretext and last) or start.further:
        raise SettingsError(
            f"start {start} is no pretraining alone, but protocol {protocol} takes steps of one; "
            "expected <pretext>~<protocol>"
        )
    runs: dict[str, Job] = {}
    for seed in dict.fromkeys(last.seed or seed for seed in seeds):
        said, inputs = unlabelled(
            stages, last.protocol, start.pretext, model, seed, batch=settings.batch, features_ahead=False
        )
        run = CostRun(
            stage="cost",
            recipe=training.RECIPES["cost"],
            warm_steps=settings.warm_steps,
            steps=settings.steps,
            **said,
        )
        where = replace(start, pretraining=replace(last, seed=seed))
        path = f"bench/{protocol}/{model}/{where}/seed{seed}"
        runs[path] = stages.add("cost", path, run, inputs, stages.under(path, RUN_FILES))
    return list(runs.values())
