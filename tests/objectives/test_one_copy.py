"""Nothing waits for the device, but for the one copy that matching needs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from sdetr.data.normalise import normalise
from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from sdetr.objectives import detection
from sdetr.objectives.detection import Detection
from sdetr.objectives.matcher import Pairs, Stage, pair_costs
from sdetr.objectives.objective import Objective
from sdetr.types import View
from sdetr.views.colour_together import hue_turned
from tests.models.small import (
    MODELS,
    detection_settings,
    model_settings,
    padded_view,
    settings_of,
    small_detector,
    trunk_settings,
)
from tests.objectives.small_pairs import pair, small_siamese
from tests.objectives.small_patches import PATCHES, small_updetr, with_patches

COUNTS = (3, 0)


def pretended(module: nn.Module) -> None:
    """Puts a module's tensors onto a GPU that is not there; call it, and the module, in a FakeTensorMode."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(torch.empty(parameter.shape, device="cuda"))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cuda")


def pretended_view() -> View:
    padding = torch.zeros(2, 96, 160, dtype=torch.bool, device="cuda")
    boxes = [torch.rand(count, 4, device="cuda") for count in COUNTS]
    labels = [torch.zeros(count, dtype=torch.int64, device="cuda") for count in COUNTS]
    return View(torch.empty(2, 3, 96, 160, device="cuda"), padding, [1, 2], boxes, labels)


def pretended_match(stages: list[Stage], cost: Any, focal: bool) -> list[Pairs]:
    """Everything but the copy, and the first queries for the first objects."""
    for stage in stages:
        assert pair_costs(stage.predictions, stage.targets, cost, focal).device.type == "cuda"
    first = torch.arange(3, device="cuda")
    every = [first.expand(len(stage.predictions.boxes), -1) for stage in stages]
    return [Pairs(first * 0, one, one) for one in every]


@pytest.mark.parametrize("model", MODELS)
def test_a_step_reads_no_number_of_the_device_and_brings_no_tensor_of_the_host(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(model, "smoke")
    monkeypatch.setattr(detection, "match_stages", pretended_match)
    with torch.device("meta"):
        detector = Detector(settings, trunk_settings(arch="resnet18", stages=3), 3)
    with FakeTensorMode():
        pretended(detector)
        objective = Detection(detector, settings.detection, settings.denoising).train()
        view = pretended_view()
        losses = objective([view], objective.normaliser([[view]]))
        assert losses.keys() == objective.weights.keys()
        assert {loss.device.type for loss in losses.values()} == {"cuda"}


def test_nor_do_masks_and_samples_that_are_taken_again() -> None:
    for variant, changes in (
        ("detr", {"mask_attention": "joint"}),
        ("dab_deformable", {"recompute_samples": True}),
    ):
        with torch.device("meta"):
            detector = Detector(model_settings(variant, **changes), trunk_settings(arch="resnet18"), 3)
        with FakeTensorMode():
            pretended(detector)
            memory = detector.encode(pretended_view())
            said = detector.decode(memory)
            masks = detector.masks(memory, said) if detector.mask_head is not None else said.boxes
            assert masks.device.type == "cuda"


def test_a_device_that_is_not_there_refuses_to_be_read_and_to_be_mixed() -> None:
    with FakeTensorMode():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        with pytest.raises(DataDependentOutputException):
            bool(there.sum() > 0)
        with pytest.raises(RuntimeError, match=r"found two different devices|same device|devices"):
            there + here


READS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim", "bincount"}


class Waits(TorchDispatchMode):
    """Notes what a GPU would have to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().split(".")[0].removeprefix("aten::")
        by_mask = name in ("index", "index_put_", "index_put") and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        sent = name == "_to_copy" and str((kwargs or {}).get("device", "cpu")) != "cpu"
        if name in READS or by_mask or (sent and not kwargs.get("non_blocking")):
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def waits(step: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with Waits() as found, monkeypatch.context() as patch:
        for name in ("cpu", "tolist"):
            original = getattr(Tensor, name)

            def noted(self: Tensor, *rest: Any, _name: str = name, _original: Any = original) -> Any:
                found.seen.append(_name)
                return _original(self, *rest)

            patch.setattr(Tensor, name, noted)
        step()
    return found.seen


def stepped(objective: Objective, views: list[View]) -> Callable[[], None]:
    normaliser = objective.normaliser([views])

    def step() -> None:
        losses = objective(views, normaliser)
        torch.stack([objective.weights[name] * loss for name, loss in losses.items()]).sum().backward()

    return step


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_of_detection_copies_once_to_the_host(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    denoising = model_settings(variant).denoising
    objective = Detection(small_detector(variant), detection_settings(variant), denoising).train()
    assert waits(stepped(objective, [padded_view()]), monkeypatch) == ["cpu"]


@pytest.mark.parametrize("variant", ["detr", "conditional", "deformable", "dab"])
def test_a_step_of_pairs_copies_once_to_the_host(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = small_siamese(variant).train()
    assert waits(stepped(objective, pair()), monkeypatch) == ["cpu"]


@pytest.mark.parametrize("variant", ["detr", "conditional", "deformable", "dab"])
@pytest.mark.parametrize("patches", [PATCHES, PATCHES - 1])
def test_a_step_of_patches_copies_once_to_the_host(
    variant: str, patches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = small_updetr(variant, query_shuffle=True).double().train()
    assert waits(stepped(objective, [with_patches(patches=patches)]), monkeypatch) == ["cpu"]


def test_colours_and_normalising_wait_for_nothing_they_send(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTensorMode():
        view = pretended_view()
        floats = replace(view, crops=torch.empty(2, 3, 3, 16, 16, device="cuda"))
        assert waits(lambda: normalise(floats), monkeypatch) == []
        turned = lambda: hue_turned(floats.images, torch.zeros(2))  # noqa: E731
        assert waits(turned, monkeypatch) == []
        assert waits(lambda: torch.tensor([1.0], device="cuda"), monkeypatch) == ["_to_copy"]


@pytest.mark.parametrize(
    "read",
    [
        lambda x: bool(x.sum() > 0),
        lambda x: x.sum().item(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: int(x.max()),
    ],
)
def test_every_way_of_reading_is_noticed(
    read: Callable[[Tensor], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(waits(lambda: read(torch.ones(3)), monkeypatch)) == 1  # type: ignore[func-returns-value]
