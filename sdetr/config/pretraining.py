"""Jobs that need no labels: proposals, planned views, features made ahead, pretraining."""

from typing import Any

import sdetr.proposals.settings as proposals_settings
import sdetr.training.settings as training
import sdetr.views.settings as views_settings
from sdetr.config.base import SettingsError
from sdetr.config.job import Job
from sdetr.config.rehearsing import rehearsal
from sdetr.config.stages import Stages
from sdetr.objectives.settings import DetregSettings
from sdetr.proposals.settings import ProposalsRun
from sdetr.training.settings import PretrainProtocolSettings, PretrainRun
from sdetr.views.settings import FeaturesRun, Views, ViewsRun

RUN_FILES = {
    "weights": "weights.safetensors",
    "heads": "pretext.safetensors",
    "settings_copy": "settings.yaml",
    "curve": "metrics.jsonl",
    "record": "run.json",
    "pictures": "pictures",
}
"""What a finished run declares, by slot: `weights` is what survives, `heads` what is thrown away."""


def pretrain(stages: Stages, protocol: str, pretext: str, model: str, seed: int) -> Job:
    """A run, after all that it reads."""
    run, inputs = unlabelled(stages, protocol, pretext, model, seed)
    said = PretrainRun(stage="pretrain", recipe=training.RECIPES["pretrain"], **run)
    path = f"pretrain/{protocol}/{pretext}/{model}/seed{seed}"
    return stages.add("pretrain", path, said, inputs | rehearsal(stages), stages.under(path, RUN_FILES))


def unlabelled(
    stages: Stages, protocol: str, pretext: str, model: str, seed: int, **instead: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Fields of a PretrainRun and its inputs, after its views, their features if they are made ahead, and its
    backbone. `instead`: fields of the protocol that are otherwise here.
    """
    compose = stages.compose
    facts = compose.pretraining_facts(model, protocol, pretext)
    settings = compose.pretraining(protocol, facts).model_copy(update=instead)
    task = compose.pretext(pretext, facts)
    detector = compose.model(model, facts)
    if settings.lr_backbone and task.frozen:
        found = f"protocol {protocol}: lr_backbone is {settings.lr_backbone}"
        raise SettingsError(f"{found}; pretext {task.kind} needs 0, a frozen backbone")
    recipe = compose.views(task.views, facts)
    if not isinstance(task, DetregSettings) and detector.asked % recipe.regions:
        raise SettingsError(
            f"views {task.views}: regions is {recipe.regions}; pretext {pretext} shares the {detector.asked} "
            f"queries of model {model} evenly among them: give it a multiple of {recipe.regions}"
        )
    backbone = stages.backbone(settings.backbone)
    plan = _views(stages, protocol, settings, task.views, recipe, seed)
    inputs = {
        "init": backbone.outputs["weights"],
        "dataset": stages.dataset(settings.dataset).outputs["index"],
        "plan": plan.outputs["file"],
    }
    if "proposals" in plan.inputs:
        inputs["proposals"] = plan.inputs["proposals"]
    if settings.features_ahead and (detector.levels > 1 or recipe.kind != "pairs"):
        # what is made ahead is the last map of pairs of views; all others look at the images
        settings = settings.model_copy(update={"features_ahead": False})
    if isinstance(task, DetregSettings):
        inputs["target"] = stages.backbone(task.target).outputs["weights"]
    if settings.features_ahead:
        inputs["features"] = _features(stages, plan, recipe, backbone, seed).outputs["file"]
    run = {
        "seed": seed,
        "protocol": settings,
        "pretext": task,
        "views": recipe,
        "model": detector,
        "trunk": compose.backbone(settings.backbone).trunk,
    }
    return run | {slot: file for slot, file in inputs.items() if slot != "init"}, inputs


def initial_backbone(stages: Stages, protocol: str, pretext: str, model: str) -> str:
    """What a pretraining's detector starts from."""
    facts = stages.compose.pretraining_facts(model, protocol, pretext)
    return stages.compose.pretraining(protocol, facts).backbone


def propose(stages: Stages, dataset: str, proposer: str) -> Job:
    """Boxes for all images of a data set."""
    inputs = {"dataset": stages.dataset(dataset).outputs["index"]}
    run = ProposalsRun(
        stage="proposals",
        recipe=proposals_settings.RECIPE,
        proposer=stages.compose.proposer(proposer),
        dataset=inputs["dataset"],
    )
    path = f"proposals/{dataset}/{proposer}"
    return stages.add("proposals", path, run, inputs, stages.beside(path, "parquet"))


def _views(
    stages: Stages, protocol: str, settings: PretrainProtocolSettings, name: str, recipe: Views, seed: int
) -> Job:
    inputs = {"dataset": stages.dataset(settings.dataset).outputs["index"]}
    if recipe.proposer:
        inputs["proposals"] = propose(stages, settings.dataset, recipe.proposer).outputs["file"]
    run = ViewsRun(
        stage="views",
        recipe=views_settings.RECIPES["views"],
        seed=seed,
        views=recipe,
        short=settings.short,
        longest=settings.longest,
        **inputs,
    )
    path = f"views/{protocol}/{name}/seed{seed}"
    return stages.add("views", path, run, inputs, stages.beside(path, "parquet"))


def _features(stages: Stages, plan: Job, recipe: Views, backbone: Job, seed: int) -> Job:
    inputs = {
        "init": backbone.outputs["weights"],
        "dataset": plan.inputs["dataset"],
        "plan": plan.outputs["file"],
    }
    run = FeaturesRun(
        stage="features",
        recipe=views_settings.RECIPES["features"],
        seed=seed,
        views=recipe,
        dataset=inputs["dataset"],
        plan=inputs["plan"],
    )
    path = plan.path.replace("views/", "features/", 1)
    return stages.add("features", path, run, inputs, stages.beside(path, "safetensors"))
