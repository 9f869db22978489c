"""Geometry: boxes follow their pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2.functional import resize as reference_resize

from sdetr.data.settings import AugmentSettings
from sdetr.data.sizes import resized
from sdetr.data.transforms import Targeted, augment, crop, flip, resize


def lit(height: int, width: int, box: tuple[int, int, int, int]) -> Targeted:
    """A black image with one white box."""
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    x0, y0, x1, y1 = box
    image[:, y0:y1, x0:x1] = 255
    return Targeted(image, torch.tensor([box], dtype=torch.float32), torch.tensor([4]))


def extent(item: Targeted) -> list[float]:
    """The box around what is lit."""
    rows = (item.image[0] > 127).any(dim=1).nonzero()
    columns = (item.image[0] > 127).any(dim=0).nonzero()
    return [float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1]


@st.composite
def items(draw: st.DrawFn) -> Targeted:
    height, width = draw(st.integers(24, 80)), draw(st.integers(24, 80))
    x0, y0 = draw(st.integers(0, width - 10)), draw(st.integers(0, height - 10))
    x1, y1 = draw(st.integers(x0 + 8, width)), draw(st.integers(y0 + 8, height))
    return lit(height, width, (x0, y0, x1, y1))


@given(items())
def test_a_flip_moves_box_and_pixels_alike_and_two_are_none(item: Targeted) -> None:
    flipped = flip(item)
    assert flipped.boxes_xyxy_px[0].tolist() == extent(flipped)
    assert torch.equal(flip(flipped).image, item.image)
    assert torch.equal(flip(flipped).boxes_xyxy_px, item.boxes_xyxy_px)


@given(items(), st.integers(20, 120), st.integers(20, 120))
def test_a_resize_moves_box_and_pixels_alike(item: Targeted, height: int, width: int) -> None:
    small = resize(item, (height, width))
    assert small.size == (height, width)
    scale = max(1.0, height / item.size[0], width / item.size[1])
    assert np.abs(small.boxes_xyxy_px[0].numpy() - extent(small)).max() <= 0.51 * scale + 0.5


@given(items(), st.data())
def test_a_crop_keeps_what_is_visible_and_nothing_else(item: Targeted, data: st.DataObject) -> None:
    height, width = item.size
    w, h = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))
    x, y = data.draw(st.integers(0, width - w)), data.draw(st.integers(0, height - h))
    cut = crop(item, (x, y, w, h))
    assert cut.size == (h, w)
    visible = bool((cut.image > 0).any())
    assert len(cut.boxes_xyxy_px) == len(cut.labels) == int(visible)
    if visible:
        assert cut.boxes_xyxy_px[0].tolist() == extent(cut)


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(8, 800), st.integers(400, 1333))
def test_a_resized_image_keeps_its_shape_and_fits(height: int, width: int, short: int, longest: int) -> None:
    if max(height, width) / min(height, width) > 8:
        return
    new = resized((height, width), short, longest)
    assert min(new) <= short
    assert max(new) <= longest + max(height, width) / min(height, width)  # the short side was rounded
    assert abs(new[0] / new[1] - height / width) <= 1.01 * max(height / width, 1) / min(new) * 1.5


@pytest.mark.parametrize(
    ("size", "short", "longest", "want"),
    [
        ((480, 640), 800, 1333, (800, 1066)),  # 1066.67 goes down
        ((640, 480), 800, 1333, (1066, 800)),
        ((427, 640), 800, 1333, (800, 1199)),
        ((333, 500), 800, 1333, (800, 1201)),
        ((300, 640), 800, 1333, (625, 1333)),  # 624.8 goes to the nearest, then the long side down
        ((640, 300), 800, 1333, (1333, 625)),
        ((500, 500), 480, 1333, (480, 480)),
        ((96, 128), 96, 128, (96, 128)),
        ((128, 160), 96, 128, (96, 120)),
    ],
)
def test_sizes_round_as_detr_s_do(
    size: tuple[int, int], short: int, longest: int, want: tuple[int, int]
) -> None:
    assert resized(size, short, longest) == want


@pytest.mark.parametrize("size", [(40, 50), (90, 77), (13, 200)])
def test_bytes_are_resized_as_torchvision_does(size: tuple[int, int]) -> None:
    image = torch.randint(0, 256, (3, 64, 81), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ours = resize(Targeted(image, torch.zeros(0, 4), torch.zeros(0)), size).image
    theirs = reference_resize(image, list(size), antialias=True)
    assert (ours.int() - theirs.int()).abs().max() <= 1


@settings(max_examples=40, deadline=None)
@given(items(), st.integers(0, 10_000))
def test_augmented_boxes_hold_their_pixels(item: Targeted, seed: int) -> None:
    wanted = AugmentSettings.model_validate(
        {
            "flip": 0.5,
            "short": [48, 56, 64],
            "longest": 90,
            "crop": {"probability": 0.5, "short": [50, 60], "side": [30, 50]},
        }
    )
    changed = augment(item, wanted, np.random.default_rng(seed))
    assert max(changed.size) <= 92
    again = augment(item, wanted, np.random.default_rng(seed))
    assert torch.equal(changed.image, again.image)
    for box in changed.boxes_xyxy_px.tolist():
        if min(box[2] - box[0], box[3] - box[1]) > 6:
            assert np.abs(np.array(box) - extent(changed)).max() <= 4


def test_an_image_smaller_than_the_crop_is_kept_whole() -> None:
    wanted = AugmentSettings.model_validate(
        {
            "flip": 0,
            "short": [30],
            "longest": 99,
            "crop": {"probability": 1, "short": [30], "side": [384, 600]},
        }
    )
    item = lit(30, 40, (5, 6, 20, 25))
    assert torch.equal(augment(item, wanted, np.random.default_rng(0)).image, item.image)
