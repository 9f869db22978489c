"""Heads alone learn, on every detector of params/models: the body stays to the bit, and drops nothing out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.config.experiment import Composer
from sdetr.config.start import Start
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.training.finetune import finetune
from sdetr.training.loop import take_step
from sdetr.training.settings import ProtocolSettings
from sdetr.training.trainee import Trainee
from sdetr.types import View
from tests.models.small import CLASSES, MODELS, PARAMS, padded_view, randomise, settings_of, trunk_settings

NAME = "siamese-voc-heads-50e"


def schedule(**changes: Any) -> ProtocolSettings:
    """That of the protocol, with everything that could move a weight."""
    compose = Composer(PARAMS, "paper")
    facts = compose.finetuning_facts("detr", NAME, Start.parse("swav_r50"))
    said = compose.finetuning(NAME, facts).said() | {"ema": 0.5, "weight_decay": 0.1, "lr": 1e-2}
    return ProtocolSettings.model_validate(said | changes)


def detection(model: str) -> Detection:
    """Of a detector with random norms and statistics, dropout, and its body frozen."""
    settings = settings_of(model, "smoke").model_copy(update={"dropout": 0.3})
    detector = randomise(Detector(settings, trunk_settings(stages=4), CLASSES))
    detector.freeze_body()
    return Detection(detector, settings.detection, settings.denoising)


def batches() -> Iterator[list[View]]:
    for seed in range(3):
        view = padded_view(seed)
        yield [View(view.images, view.padding, view.image_ids, view.boxes, view.labels)]


@pytest.mark.parametrize("model", MODELS)
def test_exactly_the_heads_move(model: str) -> None:
    objective = detection(model).train()
    before = {name: tensor.clone() for name, tensor in objective.state_dict().items()}
    trainee = Trainee.begin(objective, schedule(), None)
    for batch in batches():
        take_step(trainee, batch, schedule(), 0, torch.device("cpu"), lambda view: view)
    for shown in (trainee.objective, trainee.shown):
        moved = {name for name, tensor in shown.state_dict().items() if not torch.equal(tensor, before[name])}
        wanted = {name for name in before if name.split(".")[1] in ("class_head", "box_head")}
        if objective.denoising:  # of classes, therefore new: as it was drawn it would mean nothing
            wanted.add("detector.queries.labels")
        assert moved == wanted
    assert any("running_var" in name for name in before) and not any("running" in name for name in moved)


@pytest.mark.parametrize("model", ["detr", "dab_deformable"])
def test_while_they_learn_the_body_answers_as_it_will_when_it_is_measured(model: str) -> None:
    detector = detection(model).train().detector
    hidden = [detector(padded_view()).hidden for _ in range(2)]
    assert torch.equal(*hidden) and torch.equal(hidden[0], detector.eval()(padded_view()).hidden)
    unfrozen = Detector(detector.model, detector.trunk, CLASSES).train()
    assert not torch.equal(unfrozen(padded_view()).hidden, unfrozen(padded_view()).hidden)


def test_a_run_keeps_the_body_of_its_start(
    tmp_path: Path,
    finetune_settings: dict[str, Any],
    backbone_file: Path,
    as_yaml: Callable[[Path, dict[str, Any]], Path],
) -> None:
    """The one before it learned as a whole; both have an average of their weights."""
    start, protocol = backbone_file, finetune_settings["protocol"]
    for heads in (False, True):
        settings = as_yaml(tmp_path / f"{heads}.yaml", finetune_settings)
        out = tmp_path / f"demo/finetune/proto/conditional/{heads}/seed0"
        finetune(settings, start, out, "cpu")
        start, before = out / "weights.safetensors", start
        protocol |= {"train": "heads", "lr_backbone": 0.0}
        finetune_settings |= {"fresh": ["class_head."], "seed": 1}
    tensors, started = read_weights(start)[0], read_weights(before)[0]
    moved = {name.split(".")[0] for name in tensors if not torch.equal(tensors[name], started[name])}
    assert moved == {"class_head", "box_head"}


def test_a_backbone_cannot_learn_on_a_body_that_is_frozen() -> None:
    with pytest.raises(ValueError, match="lr_backbone: 1e-05, but train: heads freezes the backbone"):
        schedule(lr_backbone=1e-5)
