"""Two ways to paint, the same bits; painted and drawn as torchvision's transforms do."""

import platform
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from scipy.stats import binomtest, chisquare, ks_2samp
from torch import Tensor
from torchvision.transforms import ColorJitter, GaussianBlur

from sdetr.config.layers import Params
from sdetr.views.colour_apart import painted_apart
from sdetr.views.colour_draws import BRIGHTNESS, CONTRAST, HUE, SATURATION, Draws, draw
from sdetr.views.colour_together import painted_together
from sdetr.views.settings import ColourSettings

VALUES = Params(Path(__file__).parents[2] / "params").resolve("views", "siamese-pairs").values["colour"]
SETTINGS = ColourSettings.model_validate(VALUES)
REACH = 6
WAYS = [painted_apart, painted_together]
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


@pytest.mark.parametrize("size", [(5, 9), (128, 128), (140, 301), (12, 1700), (1, 90000)])
@pytest.mark.parametrize("strong", [False, True])
@pytest.mark.parametrize("has_padding", [False, True])
def test_an_image_at_a_time_and_all_at_once_are_the_same_bits(
    size: tuple[int, int], strong: bool, has_padding: bool
) -> None:
    most = {"jitter": 1.0, "brightness": 1.5, "contrast": 1.5, "saturation": 1.5, "hue": 0.5, "blur": 1.0}
    settings = SETTINGS.model_copy(update=most if strong else {})
    images, padding = padded(photographs(8, size)) if has_padding else (photographs(8, size), None)
    draws = draw(settings, 8, torch.Generator().manual_seed(sum(size)))
    one, other = (paint(images, draws, REACH, padding) for paint in WAYS)
    assert not one.is_inference()  # it may be trained on
    exact = platform.machine() == "x86_64"  # elsewhere products and sums may be rounded together, or not
    assert torch.equal(one, other) if exact else torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("paint", WAYS)
def test_colours_are_torchvisions_one_after_the_other(paint: Callable[..., Tensor]) -> None:
    """Each image as torchvision's functions make it of the same numbers, in the recipe's order."""
    images = photographs(24, (40, 44))
    draws = draw(SETTINGS.model_copy(update={"gray": 0.4}), 24, torch.Generator().manual_seed(3))
    found = paint(images, draws, REACH) / 255
    for image, number, ours in zip(images, range(24), found, strict=True):
        theirs = by_torchvision(image, Draws(*(column[number] for column in draws)))
        inner = (slice(None), slice(REACH, -REACH), slice(REACH, -REACH))
        assert torch.allclose(ours[inner], theirs[inner], atol=1e-5)  # at borders blurs differ
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
    return tv.gaussian_blur(colours, [2 * REACH + 1] * 2, [deviation] * 2) if deviation else colours


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
