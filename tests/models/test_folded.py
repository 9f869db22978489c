"""A frozen norm is part of the convolution before it; where nothing learns, so is what comes after."""

import copy

import pytest
import torch
from torch import nn

from sdetr.models.backbone import ResNet
from sdetr.models.folded import PACKINGS
from sdetr.models.norm import FrozenBatchNorm, normed
from tests.models.small import randomise, trunk_settings


@torch.no_grad()
def test_a_frozen_norm_inside_the_kernel_changes_nothing() -> None:
    layer = nn.Conv2d(6, 9, 3, stride=2, padding=2, dilation=2, bias=False)
    frozen, learning = randomise(FrozenBatchNorm(9)), nn.BatchNorm2d(9).eval()
    learning.load_state_dict(frozen.state_dict(), strict=False)
    x = torch.randn(2, 6, 17, 15)
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(normed(layer, frozen, x), learning(layer(x)), atol=1e-5, rtol=1e-5)


def test_weights_before_a_frozen_norm_learn_as_if_it_stood_apart() -> None:
    layer, frozen = nn.Conv2d(4, 5, 3, bias=False), randomise(FrozenBatchNorm(5))
    x = torch.randn(2, 4, 8, 8)
    apart = torch.autograd.grad(frozen(layer(x)).square().sum(), layer.weight)[0]
    folded = torch.autograd.grad(normed(layer, frozen, x).square().sum(), layer.weight)[0]
    torch.testing.assert_close(folded, apart, rtol=1e-4, atol=1e-4)


def learns_not(kernel: int = 3) -> tuple[nn.Conv2d, FrozenBatchNorm]:
    layer = nn.Conv2d(4, 5, kernel, stride=2, bias=False).requires_grad_(False)
    return layer, randomise(FrozenBatchNorm(5))


@pytest.mark.parametrize("name", ["conv", "weight", "bias", "running_mean", "running_var"])
def test_what_is_folded_once_follows_every_tensor_that_it_was_made_of(name: str) -> None:
    layer, frozen = learns_not()
    x = torch.randn(2, 4, 8, 8)
    normed(layer, frozen, x)
    kept = frozen.kept
    assert kept is not None
    normed(layer, frozen, x)
    assert frozen.kept is kept
    with torch.no_grad():
        (layer.weight if name == "conv" else getattr(frozen, name)).mul_(1.5)
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-5, rtol=1e-5)
    assert frozen.kept is not kept


def test_what_is_folded_follows_precision_and_new_tensors() -> None:
    layer, frozen = learns_not()
    x = torch.randn(2, 4, 8, 8)
    expected = normed(layer, frozen, x)
    with torch.autocast("cpu", torch.bfloat16):
        assert normed(layer, frozen, x).dtype == torch.bfloat16
    assert torch.equal(normed(layer, frozen, x), expected)
    x, frozen, layer = x.double(), frozen.double(), layer.double()
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-12, rtol=1e-12)
    other = nn.Parameter(torch.randn_like(layer.weight), requires_grad=False)
    _as_often_written(other, layer.weight._version)
    layer.weight = other
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-12, rtol=1e-12)


def test_a_copy_folds_for_itself_however_often_it_is_written_to() -> None:
    layer, frozen = learns_not()
    for tensor in (layer.weight, *frozen.buffers()):
        _as_often_written(tensor, 5)
    x = torch.randn(2, 4, 8, 8)
    normed(layer, frozen, x)
    written = [tensor._version for tensor in (layer.weight, *frozen.buffers())]
    layer, frozen = copy.deepcopy((layer, frozen))
    for tensor, often in zip((layer.weight, *frozen.buffers()), written, strict=True):
        _as_often_written(tensor, often)
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-4, rtol=1e-4)


def _as_often_written(tensor: torch.Tensor, times: int) -> None:
    assert tensor._version < times
    while tensor._version < times:
        tensor.mul_(1.5)


def test_of_weights_that_learn_nothing_is_kept_nor_do_they_meet_what_was_kept_before() -> None:
    layer, frozen = learns_not()
    x = torch.randn(2, 4, 8, 8)
    assert not normed(layer, frozen, x).requires_grad
    before = frozen.kept
    assert normed(layer.requires_grad_(True), frozen, x).requires_grad
    assert frozen.kept is before


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_kernel_of_one_pixel_says_what_convolution_and_norm_say(dtype: torch.dtype) -> None:
    layer, frozen = (part.to(dtype) for part in learns_not(kernel=1))
    x = torch.randn(2, 4, 9, 7, dtype=dtype)
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("dtype, near", [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("kernel, dilation", [(1, 1), (3, 1), (3, 2), (7, 1)])
def test_in_one_pass_as_in_four(
    kernel: int, dilation: int, relu: bool, dtype: torch.dtype, near: float
) -> None:
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("oneDNN has no bfloat16 on this CPU")
    layer = nn.Conv2d(4, 5, kernel, 2, kernel // 2, dilation, bias=False).requires_grad_(False)
    frozen, x = randomise(FrozenBatchNorm(5)), torch.randn(2, 4, 19, 16)
    apart = frozen(layer(x))
    onto = torch.randn_like(apart)
    for other in (None, onto):
        whole = apart if other is None else apart + other
        for _ in range(3):  # as it is, packed, packed before
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
                found = normed(layer, frozen, x, relu, None if other is None else other.to(dtype, copy=True))
            assert found.dtype == dtype
            expected = whole.relu() if relu else whole
            assert (found - expected).abs().max() < near * expected.abs().max()
    assert frozen.kept is not None and frozen.kept.packed[x.shape] is not None  # it was oneDNN


@torch.no_grad()
def test_a_kernel_is_packed_when_a_shape_comes_again_and_a_few_are_kept() -> None:
    """A run that goes on meets its first shape later than one that never stopped: bits must not know."""
    layer, frozen = learns_not()
    shapes = [(2, 4, 8, 8 + i) for i in range(PACKINGS + 3)]
    images = [torch.randn(shape) for shape in shapes]
    for x in images:
        first = normed(layer, frozen, x)
        assert frozen.kept is not None and frozen.kept.packed[x.shape] is None
        assert torch.equal(normed(layer, frozen, x), first)
        kept = frozen.kept.packed[x.shape]
        assert torch.equal(normed(layer, frozen, x), first) and frozen.kept.packed[x.shape] is kept
        torch.testing.assert_close(first, frozen(layer(x)), atol=1e-5, rtol=1e-5)
    assert list(frozen.kept.packed) == [torch.Size(shape) for shape in shapes[-PACKINGS:]]


@torch.no_grad()
def test_a_shape_that_comes_all_the_time_stays_packed_among_others_that_come_once() -> None:
    layer, frozen = learns_not()
    often = torch.randn(2, 4, 8, 8)
    for _ in range(2):
        normed(layer, frozen, often)
    assert frozen.kept is not None
    kept = frozen.kept.packed[often.shape]
    for width in range(9, 20):
        normed(layer, frozen, torch.randn(2, 4, 8, width))
        normed(layer, frozen, often)
        assert frozen.kept.packed[often.shape] is kept


def test_an_input_of_another_precision_is_refused_as_by_any_convolution() -> None:
    layer, frozen = learns_not()
    with pytest.raises(RuntimeError, match="should be the same"):
        normed(layer, frozen, torch.randn(2, 4, 8, 8).double())


@pytest.mark.parametrize("why", ["gradients", "gradients of what is added to", "switched off", "doubles"])
def test_what_onednn_cannot_do_is_done_without(why: str) -> None:
    layer, frozen = learns_not()
    x = torch.randn(2, 4, 8, 8)
    if why == "doubles":
        layer, frozen, x = layer.double(), frozen.double(), x.double()
    x.requires_grad_(why == "gradients")
    onto = torch.randn(2, 5, 3, 3).to(x.dtype)
    onto.requires_grad_(why == "gradients of what is added to")
    expected = (frozen(layer(x)) + onto).relu()
    with torch.backends.mkldnn.flags(enabled=why != "switched off"):
        found = normed(layer, frozen, x, relu=True, onto=onto)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert frozen.kept is not None and not frozen.kept.packed
    for asked in (tensor for tensor in (x, onto) if tensor.requires_grad):
        gradients = [torch.autograd.grad(of.sum(), asked)[0] for of in (found, expected)]
        torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)


def test_what_was_made_in_inference_mode_answers_like_anything_else() -> None:
    images = torch.randn(1, 3, 32, 32)
    plain = randomise(ResNet(trunk_settings(arch="resnet18"))).requires_grad_(False)
    with torch.inference_mode():
        made = ResNet(trunk_settings(arch="resnet18")).requires_grad_(False)
        made.load_state_dict(plain.state_dict())
        found = made(images)[-1]
    with torch.no_grad():
        for answered in (made(images)[-1], plain(images)[-1]):
            torch.testing.assert_close(answered, found, atol=1e-5, rtol=1e-5)


def test_what_was_asked_in_inference_mode_keeps_nothing_that_gradients_cannot_use() -> None:
    layer, frozen = learns_not()
    with torch.inference_mode():
        normed(layer, frozen, torch.randn(2, 4, 8, 8))
    x = torch.randn(2, 4, 8, 8, requires_grad=True)
    normed(layer, frozen, x).sum().backward()
    assert x.grad is not None and x.grad.any()
