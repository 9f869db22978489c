"""Colours: torchvision's operations, all images at once, each with its own numbers."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision.transforms.v2 as transforms
import torchvision.transforms.v2.functional as tv
from scipy.stats import ks_2samp
from torch import Tensor

from sdetr.config.layers import Params
from sdetr.types import View
from sdetr.views.colour import Colour, coloured, crops_coloured
from sdetr.views.colour_draws import BRIGHTNESS, CONTRAST, HUE, SATURATION, Draws, draw
from sdetr.views.colour_together import blurred, gray_of, hue_turned, jittered
from sdetr.views.settings import ColourSettings

VALUES = Params(Path(__file__).parents[2] / "params").resolve("views", "siamese-pairs").values["colour"]
THEIRS = {
    BRIGHTNESS: tv.adjust_brightness,
    CONTRAST: tv.adjust_contrast,
    SATURATION: tv.adjust_saturation,
    HUE: tv.adjust_hue,
}


def settings(**changes: float) -> ColourSettings:
    return ColourSettings.model_validate(VALUES | changes)


def noise(count: int = 6, size: tuple[int, int] = (20, 28), seed: int = 0) -> Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))


def draws(order: Tensor, factors: Tensor) -> Draws:
    count = len(order)
    return Draws(order, factors, torch.zeros(count, dtype=torch.bool), torch.zeros(count))


NEUTRAL = torch.tensor([1.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("which", [BRIGHTNESS, CONTRAST, SATURATION, HUE])
def test_each_jitter_is_torchvisions(which: int) -> None:
    images, factors = noise(), NEUTRAL.repeat(6, 1)
    factors[:, which] = torch.tensor(
        [-0.5, -0.1, 0, 0.04, 0.1, 0.5] if which == HUE else [0.6, 0.9, 1, 1.2, 1.4, 0]
    )
    ours = jittered(images, draws(torch.arange(4).repeat(6, 1), factors))
    theirs = [THEIRS[which](image, float(f)) for image, f in zip(images, factors[:, which], strict=True)]
    assert torch.allclose(ours, torch.stack(theirs), atol=2e-6)


def test_every_image_has_its_own_order_of_the_four() -> None:
    orders = torch.tensor(list(itertools.permutations(range(4))))  # 24
    images = noise(24)
    factors = NEUTRAL + (noise(1, (24, 4), seed=1)[0, 0] - 0.5) * torch.tensor([0.8, 0.8, 0.8, 0.2])
    ours = jittered(images, draws(orders, factors))
    for image, order, factor, found in zip(images, orders, factors, ours, strict=True):
        for which in order.tolist():
            image = THEIRS[which](image, float(factor[which]))
        assert torch.allclose(found, image, atol=5e-6)
    assert not torch.allclose(ours, jittered(images, draws(orders.flip(1), factors)), atol=1e-3)


def test_gray_is_torchvisions() -> None:
    assert torch.allclose(gray_of(noise()), tv.rgb_to_grayscale(noise(), 1), atol=1e-6)


def test_grays_have_no_hue_to_turn() -> None:
    gray = torch.linspace(0, 1, 12).view(1, 1, 3, 4).expand(1, 3, 3, 4)
    assert torch.equal(hue_turned(gray, torch.tensor([0.3])), gray)


@pytest.mark.parametrize("deviation", [0.1, 0.5, 1.3, 2.0])
def test_the_blur_is_torchvisions_but_at_the_border(deviation: float) -> None:
    images = noise(2, (32, 40))
    ours = blurred(images, torch.tensor([deviation, 0.3]), reach=6)[0]
    theirs = tv.gaussian_blur(images[0], [13, 13], [deviation, deviation])
    inner = (slice(None), slice(6, -6), slice(6, -6))
    assert torch.allclose(ours[inner], theirs[inner], atol=1e-6)


def test_a_plain_image_stays_plain_to_the_border() -> None:
    plain = torch.full((1, 3, 5, 9), 0.4)
    assert torch.allclose(blurred(plain, torch.tensor([2.0]), reach=6), plain, atol=1e-6)


def test_padding_changes_nothing_of_an_image() -> None:
    """What the mean gray of contrast, or a blur, would see beyond the border."""
    colour = Colour(settings(jitter=1.0, blur=1.0))
    images = (noise(4) * 255).to(torch.uint8)
    padded = torch.zeros(4, 3, 29, 37, dtype=torch.uint8)
    padded[:, :, :20, :28] = images
    padding = torch.ones(4, 29, 37, dtype=torch.bool)
    padding[:, :20, :28] = False
    torch.manual_seed(0)
    alone = colour(images)
    torch.manual_seed(0)
    beside = colour(padded, padding)
    assert torch.allclose(alone, beside[:, :, :20, :28], atol=1e-3)
    assert not beside[padding[:, None].expand_as(beside)].any()


def test_an_image_does_not_depend_on_its_neighbours() -> None:
    colour, images = Colour(settings(jitter=1.0, blur=1.0)), (noise(4) * 255).to(torch.uint8)
    others = images.clone()
    others[1:] = 255 - others[1:]
    torch.manual_seed(0)
    one = colour(images)[0]
    torch.manual_seed(0)
    assert torch.allclose(colour(others)[0], one, atol=1e-4)


def test_draws_have_the_recipes_chances_and_ranges() -> None:
    drawn = draw(settings(), 20000, torch.Generator().manual_seed(0))
    moved = (drawn.factors != NEUTRAL).any(dim=1)
    assert float(moved.float().mean()) == pytest.approx(0.8, abs=0.01)
    assert float(drawn.gray.float().mean()) == pytest.approx(0.2, abs=0.01)
    blur = drawn.blur_px[drawn.blur_px > 0]
    assert len(blur) / 20000 == pytest.approx(0.5, abs=0.01)
    assert (float(blur.min()), float(blur.max())) == pytest.approx((0.1, 2.0), abs=0.01)
    factors = drawn.factors[moved]
    for which, (low, high) in enumerate([(0.6, 1.4)] * 3 + [(-0.1, 0.1)]):
        column = factors[:, which]
        assert (float(column.min()), float(column.max())) == pytest.approx((low, high), abs=0.01)
        assert float(column.std()) == pytest.approx((high - low) / math.sqrt(12), rel=0.03)  # uniform
    first = torch.bincount(drawn.order[:, 0], minlength=4) / 20000
    assert torch.allclose(first, torch.tensor(0.25), atol=0.015)


def test_crops_are_coloured_as_torchvisions_transforms_would_by_chance() -> None:
    """In distribution: what a crop's looks are after either is told apart by no test of two samples."""
    blocks = (noise(1, (6, 6)) * 255).to(torch.uint8)[0]
    crop = blocks.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    count = 2000
    reference = transforms.Compose(
        [
            transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            transforms.RandomGrayscale(p=0.2),
            transforms.RandomApply([transforms.GaussianBlur(13, (0.1, 2.0))], p=0.5),
        ]
    )
    torch.manual_seed(1)
    theirs = torch.stack([reference(crop.float() / 255) for _ in range(count)])
    view = View(
        crop[None], torch.zeros(1, 24, 24, dtype=torch.bool), [0], crops=crop.repeat(1, count, 1, 1, 1)
    )
    done = crops_coloured(view, Colour(settings()))
    assert done.crops is not None and torch.equal(done.images, view.images)
    ours = done.crops[0] / 255
    assert apart(ours, theirs) > 0.01
    for changes in ({"gray": 0.32}, {"blur": 0.34}, {"jitter": 0.6}, {"brightness": 0.6}, {"hue": 0.3}):
        others = Colour(settings(**changes))(crop.repeat(count, 1, 1, 1)) / 255
        assert apart(others, theirs) < 0.01, changes


LOOKS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x[:, 0, 0, 0],
    lambda x: x[:, 2].mean((1, 2)),
    lambda x: x.std((1, 2, 3)),
    lambda x: (x[:, 0] - x[:, 1]).std((1, 2)),  # colourfulness
    lambda x: x.diff(dim=3).abs().mean((1, 2, 3)),  # sharpness
]
"""Of images (B, 3, H, W), a number each."""


def apart(one: Tensor, two: Tensor) -> float:
    """Least p-value of any look, away from borders, where blurs differ; equal numbers are to be equal."""
    inner = (slice(None), slice(None), slice(6, -6), slice(6, -6))
    return min(ks_2samp(*(looks(x[inner]).numpy().round(4) for x in (one, two))).pvalue for looks in LOOKS)


def test_strong_jitter_never_goes_below_zero() -> None:
    drawn = draw(settings(brightness=2.0), 500)
    assert float(drawn.factors[:, BRIGHTNESS].min()) >= 0


def test_a_host_answers_in_bytes_and_no_augmentation_changes_nothing() -> None:
    images = (noise() * 255).to(torch.uint8)
    out = Colour(settings())(images)
    assert out.dtype == torch.uint8
    assert torch.equal(Colour(settings(jitter=0.0, gray=0.0, blur=0.0))(images), images)


def test_draws_come_from_torchs_generator_or_from_one_that_is_given() -> None:
    colour, images = Colour(settings()), (noise() * 255).to(torch.uint8)
    torch.manual_seed(4)
    one, two = colour(images), colour(images)
    torch.manual_seed(4)
    assert torch.equal(colour(images), one)
    assert not torch.equal(one, two)
    state = torch.get_rng_state()
    assert torch.equal(*(colour(images, generator=torch.Generator().manual_seed(4)) for _ in range(2)))
    assert torch.equal(torch.get_rng_state(), state)


def test_views_and_crops_are_coloured_apart_and_made_features_are_left_alone() -> None:
    images = (noise(2, (16, 16)) * 255).to(torch.uint8)
    crops = images[:, None].expand(2, 4, 3, 16, 16)  # the same pixels
    view = View(images, torch.zeros(2, 16, 16, dtype=torch.bool), [0, 1], crops=crops)
    torch.manual_seed(0)
    done = coloured(view, Colour(settings(jitter=1.0)))
    assert done.crops is not None
    assert done.crops.shape == crops.shape
    looks = [done.images[0], *done.crops[0]]
    for one, other in itertools.combinations(looks, 2):
        assert (one - other).abs().max() > 1
    made = View(torch.zeros(2, 3, 0, 0), view.padding, [0, 1], maps=[torch.zeros(2, 4, 1, 1)])
    assert coloured(made, Colour(settings())) is made


@pytest.mark.gpu
def test_a_gpu_gives_the_same_colours() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    colour, images = Colour(settings()), (noise(32) * 255).to(torch.uint8)
    torch.manual_seed(0)
    host = colour(images)
    torch.manual_seed(0)
    assert (colour(images.cuda()).cpu() - host).abs().mean() < 1  # which is bytes
