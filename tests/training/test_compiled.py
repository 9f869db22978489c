"""Compiled networks answer as their parts do, in every detector, and no other device is asked to compile."""

import copy
import logging

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.training.compiled import compile_for, compile_parts, uncompiled
from sdetr.types import View
from tests.models.small import CLASSES, MODELS, randomise, settings_of, trunk_settings


def objective(model: str) -> Detection:
    settings = settings_of(model, "smoke").model_copy(update={"dropout": 0.0, "decoder_layers": 2})
    detector = randomise(Detector(settings, trunk_settings(arch="resnet18"), CLASSES)).train()
    detector.freeze_backbone(0.0)  # what is frozen keeps its kernels, which has to be traced as well
    return Detection(detector, settings.detection)


def view() -> View:
    generator = torch.Generator().manual_seed(0)
    padding = torch.zeros(2, 64, 80, dtype=torch.bool)
    padding[1, :, 64:] = True
    return View(torch.randn(2, 3, 64, 80, generator=generator), padding, [1, 2])


def gradients(objective: Detection, given: View) -> list[torch.Tensor]:
    objective.zero_grad()
    said = objective.detector(given)
    (said.logits.square().sum() + said.boxes.square().sum()).backward()
    return [
        said.logits.detach(),
        said.boxes.detach(),
        *(p.grad for p in objective.parameters() if p.grad is not None),
    ]


@pytest.mark.parametrize("model", MODELS)
def test_every_part_is_traced_without_a_break_and_gives_the_same_gradients(model: str) -> None:
    plain = objective(model)
    ours = copy.deepcopy(plain)
    # the graph that compilers are given, run as it is: nothing of it is rounded differently
    compile_parts(ours, backend="eager", fullgraph=True)
    for _ in range(2):  # the second call meets what the first one kept
        for found, expected in zip(gradients(ours, view()), gradients(plain, view()), strict=True):
            torch.testing.assert_close(found, expected)
    assert plain.state_dict().keys() == ours.state_dict().keys()
    torch.compiler.reset()


def test_evaluations_run_without_what_was_compiled() -> None:
    used = []

    def seen(graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> torch.fx.GraphModule:
        used.append(graph)
        return graph

    ours = objective("detr")
    compile_parts(ours, backend=seen)
    with torch.no_grad(), uncompiled("kernels"):
        ours.detector(view())
    assert not used
    with torch.no_grad():
        ours.detector(view())
    assert used
    torch.compiler.reset()


def test_a_device_that_is_no_gpu_does_without_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    ours = objective("detr")
    with caplog.at_level(logging.INFO):
        compile_for(torch.device("cpu"), ours, "graphs")
    assert "compile: graphs is for GPUs; cpu computes without" in caplog.text
    assert not any(part._compiled_call_impl for part in ours.modules())
    compile_for(torch.device("cuda"), ours, "nothing")
    assert not any(part._compiled_call_impl for part in ours.modules())
    compile_for(torch.device("cuda"), ours, "kernels")
    taken = {name for name, part in ours.detector.named_modules() if part._compiled_call_impl is not None}
    assert taken == {"backbone", "neck", "encoder", "decoder"}
