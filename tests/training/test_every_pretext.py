"""Every pretext trains every detector of params/models/: what learns, what is frozen, what idles."""

import json
from pathlib import Path

import pytest
import torch

from sdetr.config.experiment import Composer
from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.objectives.regions_found import Search
from sdetr.training.loop import take_step
from sdetr.training.pretrain import search_of
from sdetr.training.settings import PretrainRun
from sdetr.training.trainee import Trainee
from sdetr.types import View
from tests.models.small import MODELS, PARAMS, random_boxes

PROTOCOLS = {
    "siamese": "siamese-imagenet-60e",
    "updetr": "updetr-imagenet-60e",
    "detreg": "detreg-in100-50e",
}
FIRST = "decoder.layers.0."
ZERO = [FIRST + "self_attention.value.weight"]
"""Contents begin as zero vectors, of which there is nothing to project …"""
ZERO_APART = [
    FIRST + "self_attention.query_content.weight",
    FIRST + "self_attention.key_content.weight",
    *ZERO,
]
"""… where contents are projected apart from positions …"""
ZERO_NORMED = [FIRST + "beside_self.norm.weight"]
"""… or to scale, where they are normalised before."""
LABELS = ["queries.labels"]
"""Of what is disturbed; a pretext disturbs nothing."""
UNREAD = ["queries.unknown"]
"""Beside learned contents nobody reads it (the published weights have it, too)."""

GUESSES = ["queries.feature", "queries.feature_norm", "box_head.2"]
"""What two stages guess with, by prefix: only choosing needs it, and regions are no classes to choose by."""

OTHERS = {
    "conditional": ZERO_APART,
    "conditional-300q": ZERO_APART,
    "deformable_ss": [],
    "deformable": [],
    "deformable_refine": [],
    "dab_deformable": [],
    "detr": ZERO,
    "detr-prenorm": ZERO_NORMED,
    "dn_dab": LABELS,
    "dn_dab_deformable": LABELS + UNREAD,
}
# a region is the content of anchors
ASKED = OTHERS | {"dab": [], "dab-3patterns": [], "deformable_two_stage": GUESSES}
"""By prefix, of the detector but its class head: the pretext has its own."""
IDLE = {
    "siamese": ASKED,
    "updetr": ASKED,
    "detreg": OTHERS | {"dab": ZERO_APART, "dab-3patterns": [], "deformable_two_stage": []},
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What DETReg asks how boxes look: the smoke scale's backbone, as it was drawn."""
    path = tmp_path_factory.mktemp("target") / "swav_r50.safetensors"
    trunk = Composer(PARAMS, "smoke").backbone("swav_r50").trunk
    save_weights(ResNet(trunk), path, {"kind": "backbone", "trunk": json.dumps(trunk.said())})
    return path


def run_of(pretext: str, model: str, target: Path, protocol: str = "") -> PretrainRun:
    """As a plan at scale smoke has it, of files that nobody reads here."""
    compose, protocol = Composer(PARAMS, "smoke"), protocol or PROTOCOLS[pretext]
    facts = compose.pretraining_facts(model, protocol, pretext)
    schedule, task = compose.pretraining(protocol, facts), compose.pretext(pretext, facts)
    return PretrainRun(
        stage="pretrain",
        recipe=1,
        seed=0,
        protocol=schedule,
        pretext=task,
        views=compose.views(task.views, facts),
        model=compose.model(model, facts),
        trunk=compose.backbone(schedule.backbone).trunk,
        dataset="none",
        plan="none",
        target=str(target),
    )


def objective_of(run: PretrainRun) -> Search:
    return search_of(run, None, torch.device("cpu"))


def view(seed: int, regions: int) -> View:
    """Two images of different sizes, bytes."""
    generator = torch.Generator().manual_seed(seed)
    padding = torch.zeros(2, 64, 80, dtype=torch.bool)
    padding[1, 48:] = padding[1, :, 64:] = True
    images = torch.randint(0, 256, (2, 3, 64, 80), dtype=torch.uint8, generator=generator)
    crops = torch.randint(0, 256, (2, regions, 3, 32, 32), dtype=torch.uint8, generator=generator)
    boxes = [random_boxes(regions, generator) for _ in range(2)]
    labels = [torch.ones(regions, dtype=torch.int64) for _ in range(2)]
    return View(images.masked_fill(padding[:, None], 0), padding, [1, 2], boxes, labels, crops)


def learned_in_two_steps(run: PretrainRun, objective: Search) -> set[str]:
    """Parameters with a gradient that is not zero in one of two steps, whose losses are all finite."""
    trainee = Trainee.begin(objective.train(), run.protocol, None)
    learned = set()
    for step in range(2):
        several = 2 if run.views.kind == "pairs" else 1
        batch = [view(2 * step + number, run.views.regions) for number in range(several)]
        values = take_step(trainee, batch, run.protocol, run.seed, torch.device("cpu"))
        assert set(objective.weights) < set(values)
        assert all(value.isfinite() for value in values.values())
        learned |= {n for n, p in objective.named_parameters() if p.grad is not None and p.grad.any()}
    return learned


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pretext", PROTOCOLS)
def test_two_steps_teach_all_but_what_is_frozen_or_idle(pretext: str, model: str, target: Path) -> None:
    run = run_of(pretext, model, target)
    objective = objective_of(run)
    learned = learned_in_two_steps(run, objective)
    frozen = {name for name, p in objective.named_parameters() if not p.requires_grad}
    fixed = ("detector.backbone.", "target.") if pretext == "detreg" else ("detector.backbone.",)
    assert frozen == {name for name, _ in objective.named_parameters() if name.startswith(fixed)}
    prefixes = [f"detector.{name}" for name in IDLE[pretext][model]]
    prefixes += [] if pretext == "detreg" else ["detector.class_head."]
    idle = {name for name, _ in objective.named_parameters()} - frozen - learned
    assert idle == {name for name, _ in objective.named_parameters() if name.startswith(tuple(prefixes))}
    assert all(any(name.startswith(prefix) for name in idle) for prefix in prefixes)


@pytest.mark.parametrize(
    "pretext, protocol, lr",
    [("updetr", "updetr-imagenet-15e-open", 1e-4), ("detreg", "detreg-in100-50e-open", 2e-5)],
)
def test_updetr_t11_a_backbone_that_learns_keeps_stem_and_first_stage_and_has_its_own_rate(
    pretext: str, protocol: str, lr: float, target: Path
) -> None:
    run = run_of(pretext, "detr", target, protocol)
    objective = objective_of(run)
    assert run.protocol.lr_backbone == lr
    groups = Trainee.begin(objective, run.protocol, None).optimizer.param_groups
    rates = {id(p): group["base_lr"] for group in groups for p in group["params"]}
    learned = learned_in_two_steps(run, objective)
    for name, parameter in objective.detector.backbone.named_parameters():
        fixed = name.startswith(("conv1.", "layer1."))
        assert (f"detector.backbone.{name}" in learned) != fixed, name
        assert rates.get(id(parameter)) == (None if fixed else lr), name
    assert not any(name.startswith("target.") for name in learned)
