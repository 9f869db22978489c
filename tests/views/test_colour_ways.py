"""Two ways to paint, the same but for rounding; painted and drawn as torchvision's transforms do."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from scipy.stats import binomtest, chisquare, ks_2samp
from torch import Tensor
from torch.nn.functional import pad
from torchvision.transforms import ColorJitter, GaussianBlur

from sdetr.config.layers import Params
from sdetr.views.colour_apart import painted_apart
from sdetr.views.colour_draws import BRIGHTNESS, CONTRAST, HUE, SATURATION, Draws, draw
from sdetr.views.colour_together import painted_together
from sdetr.views.settings import ColourSettings

VALUES = Params(Path(__file__).parents[2] / "params").resolve("views", "siamese-pairs").values["colour"]
SETTINGS = ColourSettings.model_validate(VALUES)
REACH = 6
MANY = 20_000


def photographs(count: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Bytes; some images have plain parts, some channels that are equal."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, *size), generator=generator, dtype=torch.uint8)
    images[:, 1, : size[0] // 3] = images[:, 0, : size[0] // 3]
    images[::3, :, size[0] // 2 :] //= 64
    return images


def padded(images: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The images, each cut to a size of its own."""
    generator = torch.Generator().manual_seed(seed)
    padding = torch.zeros(len(images), *images.shape[2:], dtype=torch.bool)
    for one in padding:
        height, width = (int(torch.randint(1, side + 1, (), generator=generator)) for side in one.shape)
        one[height:] = one[:, width:] = True
    return images * ~padding[:, None], padding


@pytest.mark.parametrize("size", [(5, 9), (128, 128), (140, 301), (12, 1700), (1, 9000)])
@pytest.mark.parametrize("has_padding", [False, True])
def test_an_image_at_a_time_in_bytes_and_all_at_once_are_near(
    size: tuple[int, int], has_padding: bool
) -> None:
    """Bytes are rounded up to six times, and the place of a hue on its circle to one of 256."""
    images, padding = padded(photographs(64, size)) if has_padding else (photographs(64, size), None)
    draws = draw(SETTINGS, 64, torch.Generator().manual_seed(sum(size)))
    one, other = painted_apart(images, draws, padding), painted_together(images, draws, REACH, padding)
    assert one.dtype == torch.uint8 and one.shape == other.shape
    away = (one.float() - other).abs()
    there = torch.ones_like(away, dtype=torch.bool) if padding is None else ~padding[:, None].expand_as(away)
    assert away[there].mean() < 0.8 and away.max() < 24
    assert not away[~there].any() and not other[~there].any()
    for image, distance, of in zip(images, away, there, strict=True):
        assert distance[of].mean() < 2.5, image


@pytest.mark.parametrize("which", [BRIGHTNESS, CONTRAST, SATURATION, HUE, "gray", "blur"])
def test_one_change_of_bytes_is_rounded_once_or_as_hues_are(which: int | str) -> None:
    count = 32
    order, factors = torch.arange(4).repeat(count, 1), torch.tensor([1.0, 1.0, 1.0, 0.0]).repeat(count, 1)
    gray, blur_px = torch.zeros(count, dtype=torch.bool), torch.zeros(count)
    if which == "gray":
        gray[:] = True
    elif which == "blur":
        blur_px = torch.linspace(0.1, 2.0, count)
    else:
        low, high = (-0.5, 0.5) if which == HUE else (0.0, 2.0)
        factors[:, int(which)] = torch.linspace(low, high, count)
    images, draws = photographs(count, (40, 44)), Draws(order, factors, gray, blur_px)
    away = (painted_apart(images, draws).float() - painted_together(images, draws, REACH)).abs()
    most = {CONTRAST: 1.1, SATURATION: 1.1, HUE: 11, "gray": 0.6, "blur": 2}.get(which, 0.51)
    assert away.max() < most and away.mean() < 1
    assert (painted_apart(images, draws) != images).any(dim=(1, 2, 3)).sum() >= count - 3


def test_any_layout_of_bytes_gives_the_same_and_bytes_that_stay_are_the_same() -> None:
    images = photographs(8, (30, 20))
    draws = draw(SETTINGS, 8, torch.Generator().manual_seed(0))
    beside = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(painted_apart(images, draws), painted_apart(beside, draws))
    still = draw(SETTINGS.model_copy(update={"jitter": 0.0, "gray": 0.0, "blur": 0.0}), 8)
    assert torch.equal(painted_apart(beside, still), images)


@pytest.mark.parametrize("way, near", [(painted_apart, 16.0), (partial(painted_together, reach=REACH), 3e-3)])
def test_colours_are_torchvisions_one_after_the_other(way: Callable[..., Tensor], near: float) -> None:
    """Each image as torchvision's functions make it of the same numbers, in the recipe's order."""
    images = photographs(24, (40, 44))
    draws = draw(SETTINGS.model_copy(update={"gray": 0.4}), 24, torch.Generator().manual_seed(3))
    found = way(images, draws)
    for image, number, ours in zip(images, range(24), found, strict=True):
        theirs = by_torchvision(image, Draws(*(column[number] for column in draws)))
        assert (ours - 255 * theirs).abs().max() < near
        assert (ours - 255 * theirs).abs().mean() < near / 8
    assert draws.gray.any() and draws.blur_px.any() and (draws.factors[:, HUE] == 0).any()


def by_torchvision(image: Tensor, drawn: Draws) -> Tensor:
    colours = image.float() / 255
    for which in drawn.order.tolist():
        colours = {
            BRIGHTNESS: tv.adjust_brightness,
            CONTRAST: tv.adjust_contrast,
            SATURATION: tv.adjust_saturation,
            HUE: tv.adjust_hue,
        }[which](colours, float(drawn.factors[which]))
    if drawn.gray:
        colours = tv.rgb_to_grayscale(colours, 3)
    deviation = float(drawn.blur_px)
    if not deviation:
        return colours
    beyond = pad(colours, (REACH,) * 4, mode="replicate")  # theirs would mirror what is beyond a border
    blurred = tv.gaussian_blur(beyond, [2 * REACH + 1] * 2, [deviation] * 2)
    return blurred[:, REACH:-REACH, REACH:-REACH]


@pytest.mark.parametrize("strong", [False, True])
def test_factors_and_orders_are_drawn_as_torchvisions_jitter_draws_them(strong: bool) -> None:
    sides = {"brightness": 1.4, "contrast": 1.2, "saturation": 0.1, "hue": 0.5} if strong else {}
    settings = SETTINGS.model_copy(update={"jitter": 1.0} | sides)
    s = settings
    jitter = ColorJitter(s.brightness, s.contrast, s.saturation, s.hue)
    torch.manual_seed(0)
    theirs = [
        ColorJitter.get_params(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
        for _ in range(MANY)
    ]
    ours = draw(settings, MANY, torch.Generator().manual_seed(1))
    for which in range(4):
        wanted = [one[1 + which] for one in theirs]
        assert ks_2samp(ours.factors[:, which].numpy(), wanted).pvalue > 0.001
    for orders in (ours.order.tolist(), [one[0].tolist() for one in theirs]):
        counts = Counter(map(tuple, orders))
        assert len(counts) == 24 and chisquare(list(counts.values())).pvalue > 0.001


def test_blurs_are_as_wide_as_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = [GaussianBlur.get_params(*SETTINGS.blur_px) for _ in range(MANY)]
    ours = draw(SETTINGS.model_copy(update={"blur": 1.0}), MANY, torch.Generator().manual_seed(1)).blur_px
    assert ks_2samp(ours.numpy(), theirs).pvalue > 0.001


def test_chances_are_the_recipes_and_know_nothing_of_each_other() -> None:
    drawn = draw(SETTINGS, MANY, torch.Generator().manual_seed(0))
    moved = (drawn.factors != torch.tensor([1.0, 1.0, 1.0, 0.0])).any(dim=1)
    happened = {"jitter": (moved, 0.8), "gray": (drawn.gray, 0.2), "blur": (drawn.blur_px > 0, 0.5)}
    for name, (events, chance) in happened.items():
        assert binomtest(int(events.sum()), MANY, chance).pvalue > 0.001, name
        for other, (others, together) in happened.items():
            if other != name:
                both = int((events & others).sum())
                assert binomtest(both, MANY, chance * together).pvalue > 0.001, (name, other)
