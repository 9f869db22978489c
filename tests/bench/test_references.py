"""What a benchmark calls its reference says the same as ours; here at small sizes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sdetr.proposals.settings import SelectiveSearchSettings
from sdetr.training.loop import take_step
from sdetr.training.probe import noise
from tests.bench import backbone, criterion, detreg_targets, forward, proposals, steps, updetr_step
from tests.bench.harness import LeftOutError


def test_torchvisions_frozen_network_has_our_map() -> None:
    theirs = backbone.torchvision_maps(range(4, 5))
    ours, images = backbone.frozen_detector(theirs), torch.randn(2, 3, 64, 96)
    for one, two in zip(ours.features(images), theirs(images), strict=True):
        assert one.shape == two.shape and not one.requires_grad
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5 * float(two.abs().max()))
    ours.rounded_on = frozenset({"cpu"})
    assert 1e-4 < backbone.apart(ours.features(images), theirs(images)) < 0.05


def test_the_whole_network_on_an_image_at_a_time_gives_our_targets() -> None:
    theirs, view = backbone.torchvision_maps(range(1, 5)), detreg_targets.with_crops(2, 3, 32)
    expected = detreg_targets.image_by_image(theirs, view)
    torch.testing.assert_close(detreg_targets.detreg(theirs)._looks(view), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", ["detr", "conditional", "deformable"])
@pytest.mark.parametrize("batch", [1, 3])
def test_hugging_faces_loss_and_its_gradients_are_ours(variant: str, batch: int) -> None:
    # their class weights of softmax families are float32 alone
    dtype, close = (torch.float32, 1e-6) if variant == "detr" else (torch.float64, 1e-12)
    one = criterion.problem(variant, batch, queries=20, layers=3, dtype=dtype)
    for mine, theirs in zip(one.ours(), one.theirs(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=close, atol=close)


@pytest.mark.parametrize("variant", ["detr", "deformable"])
def test_operations_of_the_criterion_do_not_grow_with_the_batch(variant: str) -> None:
    counts = [criterion.counted_operations(criterion.problem(variant, batch, 20).ours) for batch in (2, 9)]
    assert counts[0] == counts[1] <= 300
    assert criterion.copies(criterion.problem(variant, 2, 20).ours) == ["cpu"]


def test_hugging_faces_deformable_detr_answers_as_ours() -> None:
    detector, theirs, view = forward.both({}, ((64, 96), (48, 64)))
    said = forward.ours(detector, view), forward.hugging_face(theirs, view)
    for one, two in zip(*said, strict=True):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)


def test_opencvs_own_call_finds_our_boxes() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    values = proposals._resolved("selective-search") | {"rankings": 1}
    assert proposals.same_boxes(SelectiveSearchSettings.model_validate(values), image)


def test_a_plain_step_of_updetr_has_our_loss_and_leaves_our_weights() -> None:
    run, ours, plain = updetr_step.both()
    (view,) = noise(run, 2, updetr_step.CPU, (64, 96))
    view = replace(view, crops=view.crops[..., :32, :32])
    said = take_step(ours, [view], run.protocol, run.seed, updetr_step.CPU)["total"]
    torch.testing.assert_close(said, plain.step(view), rtol=1e-4, atol=0)
    theirs = dict(plain.objective.named_parameters())
    for name, parameter in ours.objective.named_parameters():
        # the first step of AdamW is as long as the rate, whatever the gradient, but for the tiniest
        assert (parameter - theirs[name]).abs().mean() < 0.05 * run.protocol.lr, name


@pytest.mark.parametrize("pretext", steps.PRETEXTS)
def test_steps_that_a_gpu_would_be_timed_by_run_on_a_cpu(pretext: str) -> None:
    found = steps.measured(pretext, "smoke", 2, (64, 80), torch.device("cpu"), warm=1, steps=1)
    assert found.seconds > 0 and found.peak_bytes is None
    assert 0 < found.busy_seconds < 10 * found.seconds  # of the same steps, which a profile slows down


def test_without_a_gpu_steps_are_left_out_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LeftOutError, match="need a GPU"):
        next(steps.rows())
