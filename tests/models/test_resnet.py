"""The backbone is torchvision's ResNet, cut, frozen and folded."""

import copy

import pytest
import torch
import torchvision
from torch import nn

from sdetr.models.backbone import ResNet
from sdetr.models.norm import FrozenBatchNorm, normed
from sdetr.training.average import Average
from sdetr.training.optimizer import make_optimizer
from sdetr.training.settings import ScheduleSettings
from tests.models.small import padded_view, randomise, small_detector, trunk_settings


@pytest.mark.parametrize("arch", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_keys_and_shapes_are_torchvisions(arch: str) -> None:
    with torch.device("meta"):
        ours = ResNet(trunk_settings(arch=arch, width=64)).state_dict()
        theirs = getattr(torchvision.models, arch)().state_dict()
    kept = {
        key: value.shape
        for key, value in theirs.items()
        if not key.startswith("fc.") and not key.endswith("num_batches_tracked")
    }
    assert {key: value.shape for key, value in ours.items()} == kept


@torch.no_grad()
@pytest.mark.parametrize("arch, dilated", [("resnet18", False), ("resnet50", False), ("resnet50", True)])
def test_maps_are_torchvisions(arch: str, dilated: bool) -> None:
    dilation = {"replace_stride_with_dilation": (False, False, True)} if dilated else {}
    theirs = randomise(getattr(torchvision.models, arch)(**dilation)).eval()
    ours = ResNet(trunk_settings(arch=arch, width=64, dilated=dilated)).eval()
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert not missing and all(key.startswith("fc.") for key in unexpected)
    images = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(images))))
    for stage, ours_map in enumerate(ours(images), 1):
        x = getattr(theirs, f"layer{stage}")(x)
        torch.testing.assert_close(ours_map, x, rtol=1e-4, atol=1e-5 * float(x.abs().max()))


@torch.no_grad()
def test_a_cut_trunk_gives_the_first_maps_of_the_whole_one() -> None:
    whole = randomise(ResNet(trunk_settings()))
    cut = ResNet(trunk_settings(stages=2))
    state = {key: value for key, value in whole.state_dict().items() if key in cut.state_dict()}
    cut.load_state_dict(state)
    images = torch.randn(1, 3, 64, 64)
    assert cut.channels == whole.channels[:2] == [16, 32]
    for one, two in zip(cut(images), whole(images), strict=False):
        assert torch.equal(one, two)


@torch.no_grad()
@pytest.mark.parametrize("dilated, strides", [(False, [4, 8, 16, 32]), (True, [4, 8, 16, 16])])
def test_strides_follow_dilation(dilated: bool, strides: list[int]) -> None:
    maps = ResNet(trunk_settings(arch="resnet18", dilated=dilated))(torch.zeros(1, 3, 64, 128))
    assert [(64 // m.shape[2], 128 // m.shape[3]) for m in maps] == [(s, s) for s in strides]
    for stages in (1, 2, 3, 4):
        trunk = trunk_settings(arch="resnet18", dilated=dilated and stages == 4, stages=stages)
        assert ResNet(trunk).strides == strides[:stages]


@torch.no_grad()
def test_a_frozen_norm_inside_the_kernel_changes_nothing() -> None:
    layer = nn.Conv2d(6, 9, 3, stride=2, padding=2, dilation=2, bias=False)
    frozen, learning = randomise(FrozenBatchNorm(9)), nn.BatchNorm2d(9).eval()
    learning.load_state_dict(frozen.state_dict(), strict=False)
    x = torch.randn(2, 6, 17, 15)
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(normed(layer, frozen, x), learning(layer(x)), atol=1e-5, rtol=1e-5)


def test_a_frozen_norm_takes_the_state_of_a_learning_one_but_keeps_four_buffers() -> None:
    frozen = FrozenBatchNorm(3)
    frozen.load_state_dict(nn.BatchNorm2d(3).state_dict())
    assert set(frozen.state_dict()) == {"weight", "bias", "running_mean", "running_var"}
    assert not list(frozen.parameters())


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
    torch.testing.assert_close(normed(layer, frozen, x), frozen(layer(x)), atol=1e-5, rtol=1e-5)


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


def test_a_learning_norm_updates_its_statistics() -> None:
    trunk = ResNet(trunk_settings(arch="resnet18"), norm=nn.BatchNorm2d)
    before = trunk.bn1.running_mean.clone()
    trunk(torch.randn(2, 3, 64, 64))
    assert not torch.equal(before, trunk.bn1.running_mean)


@torch.no_grad()
def test_standardising_touches_the_last_map_alone_and_starts_as_identity() -> None:
    plain, standard = (randomise(ResNet(trunk_settings(standardise=on))) for on in (False, True))
    standard.load_state_dict(plain.state_dict(), strict=False)
    standard.standard_mean.zero_()
    standard.standard_std.fill_(1.0)
    images = torch.randn(1, 3, 64, 64)
    expected = plain(images)
    assert all(torch.equal(a, b) for a, b in zip(standard(images), expected, strict=True))
    standard.standard_mean.copy_(expected[-1].mean((0, 2, 3)))
    standard.standard_std.fill_(2.0)
    *earlier, last = standard(images)
    assert all(torch.equal(a, b) for a, b in zip(earlier, expected[:-1], strict=True))
    torch.testing.assert_close(last, (expected[-1] - expected[-1].mean((2, 3), keepdim=True)) / 2)


@pytest.mark.parametrize("lr, first, rest", [(1e-5, False, True), (0.0, False, False)])
def test_variants_2_stem_and_first_stage_never_learn_and_zero_freezes_all(
    lr: float, first: bool, rest: bool
) -> None:
    detector = small_detector("detr")
    detector.freeze_backbone(lr)
    learning = {name: p.requires_grad for name, p in detector.backbone.named_parameters()}
    assert any(name.startswith("conv1") for name in learning)
    for name, learns in learning.items():
        assert learns is (first if name.startswith(("conv1.", "bn1.", "layer1.")) else rest), name
    assert all(p.requires_grad for name, p in detector.named_parameters() if not name.startswith("backbone."))


def test_variants_34_what_is_frozen_stays_bit_for_bit_and_nothing_is_frozen_by_halves() -> None:
    detector = small_detector("dab")
    detector.freeze_backbone(1e-5)
    before = {name: p.detach().clone() for name, p in detector.named_parameters()}
    schedule = ScheduleSettings(
        epochs=1, drop=(), batch=2, lr=0.1, lr_backbone=0.1, weight_decay=0.5, clip=0.1
    )
    optimizer = make_optimizer(detector, schedule)
    said = detector(padded_view())
    (said.boxes.square().sum() + said.logits.square().sum()).backward()
    optimizer.step()
    for name, p in detector.named_parameters():
        assert torch.equal(p, before[name]) is not p.requires_grad, name
    assert (detector.queries.anchors != before["queries.anchors"]).all()


@pytest.mark.parametrize("lr", [1e-5, 0.0])
def test_a_frozen_backbone_builds_no_graph(lr: float) -> None:
    detector = small_detector("detr")
    detector.freeze_backbone(lr)
    memory = detector.encode(padded_view())
    assert memory.tokens.requires_grad
    assert memory.maps[-1].requires_grad is (lr > 0)


@pytest.mark.parametrize("lr", [1e-5, 0.0])
def test_features_are_the_backbones_maps_and_have_a_graph_only_if_it_learns(lr: float) -> None:
    detector, images = small_detector("detr"), padded_view().images
    detector.freeze_backbone(lr)
    found = detector.features(images)
    assert all(torch.equal(a, b) for a, b in zip(found, detector.backbone(images), strict=True))
    assert found[-1].requires_grad is (lr > 0)
    with torch.no_grad():
        assert not detector.features(images)[-1].requires_grad


def test_channels_follow_width_and_stages() -> None:
    assert ResNet(trunk_settings(arch="resnet18", width=8, stages=3)).channels == [8, 16, 32]


@torch.no_grad()
def test_only_a_frozen_backbone_on_a_named_device_is_rounded_and_nothing_after_it() -> None:
    detector, images = small_detector("conditional"), padded_view().images
    expected = detector.features(images)
    detector.rounded_on = frozenset({"cpu"})
    detector.freeze_backbone(1e-5)
    shown = Average(detector, 0.9).module  # learns nothing by itself, but is of one that does
    for learning in (detector, shown):
        assert all(map(torch.equal, learning.features(images), expected))
    detector.freeze_backbone(0.0)
    rounded = detector.features(images)
    assert {cells.dtype for cells in rounded} == {torch.float32}
    change = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(rounded, expected, strict=True))
    assert 1e-4 < change < 0.05
    assert detector(padded_view()).boxes.dtype == torch.float32
    detector.rounded_on = frozenset({"cuda"})
    assert all(map(torch.equal, detector.features(images), expected))


def test_what_was_made_in_inference_mode_answers_like_anything_else() -> None:
    images = torch.randn(1, 3, 32, 32)
    plain = randomise(ResNet(trunk_settings(arch="resnet18"))).requires_grad_(False)
    with torch.inference_mode():
        made = ResNet(trunk_settings(arch="resnet18")).requires_grad_(False)
        made.load_state_dict(plain.state_dict())
        found = made(images)[-1]
    with torch.no_grad():
        assert torch.equal(made(images)[-1], found) and torch.equal(plain(images)[-1], found)
