"""The backbone is torchvision's ResNet, cut and frozen."""

import pytest
import torch
import torchvision
from torch import nn

from sdetr.models.backbone import ResNet
from sdetr.models.norm import FrozenBatchNorm
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
@pytest.mark.parametrize("learns", [True, False])
def test_a_cut_trunk_gives_the_first_maps_of_the_whole_one(learns: bool) -> None:
    """No stage writes over the map of the one before, nor the first over the images."""
    whole = randomise(ResNet(trunk_settings())).requires_grad_(learns)
    cut = ResNet(trunk_settings(stages=2)).requires_grad_(learns)
    state = {key: value for key, value in whole.state_dict().items() if key in cut.state_dict()}
    cut.load_state_dict(state)
    images = torch.randn(1, 3, 64, 64)
    before = images.clone()
    assert cut.channels == whole.channels[:2] == [16, 32]
    for one, two in zip(cut(images), whole(images), strict=False):
        assert torch.equal(one, two)
    assert torch.equal(images, before)


@torch.no_grad()
@pytest.mark.parametrize("dilated, strides", [(False, [4, 8, 16, 32]), (True, [4, 8, 16, 16])])
def test_strides_follow_dilation(dilated: bool, strides: list[int]) -> None:
    maps = ResNet(trunk_settings(arch="resnet18", dilated=dilated))(torch.zeros(1, 3, 64, 128))
    assert [(64 // m.shape[2], 128 // m.shape[3]) for m in maps] == [(s, s) for s in strides]
    for stages in (1, 2, 3, 4):
        trunk = trunk_settings(arch="resnet18", dilated=dilated and stages == 4, stages=stages)
        assert ResNet(trunk).strides == strides[:stages]


def test_a_frozen_norm_takes_the_state_of_a_learning_one_but_keeps_four_buffers() -> None:
    frozen = FrozenBatchNorm(3)
    frozen.load_state_dict(nn.BatchNorm2d(3).state_dict())
    assert set(frozen.state_dict()) == {"weight", "bias", "running_mean", "running_var"}
    assert not list(frozen.parameters())


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


@pytest.mark.parametrize("variant, read", [("detr", 1), ("deformable", 3)])
@pytest.mark.parametrize("lr", [1e-5, 0.0])
def test_features_are_the_maps_that_are_read_and_have_a_graph_only_if_it_learns(
    lr: float, variant: str, read: int
) -> None:
    detector, images = small_detector(variant), padded_view().images
    detector.freeze_backbone(lr)
    found = detector.features(images)
    assert len(found) == read
    assert all(torch.equal(a, b) for a, b in zip(found, detector.backbone(images)[-read:], strict=True))
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
