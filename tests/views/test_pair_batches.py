"""Batches of pairs: a pure function of seed and step, and pixels where the boxes say."""

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Dataset
from sdetr.types import View
from sdetr.views.loader import PairBatches
from sdetr.views.pairs import Pair, plan_pair
from sdetr.views.pixels import cut
from sdetr.views.settings import ViewsRun
from sdetr.views.store import ViewPlan


@pytest.fixture(scope="module")
def dataset(noise: Path) -> Dataset:
    return Dataset(noise)


def equal(one: list[View], two: list[View]) -> bool:
    return all(
        a.image_ids == b.image_ids
        and all(
            torch.equal(x, y)
            for x, y in zip(
                [a.images, a.padding, a.crops, *a.boxes, *a.labels],
                [b.images, b.padding, b.crops, *b.boxes, *b.labels],
                strict=True,
            )
        )
        for a, b in zip(one, two, strict=True)
    )


def take(batches: PairBatches, start: int, count: int) -> list[list[View]]:
    return list(itertools.islice(batches.from_step(start), count))


def test_the_batch_of_a_step_is_the_same_from_any_start_and_with_workers(
    dataset: Dataset, plan: ViewPlan
) -> None:
    straight = take(PairBatches(dataset, plan, 16, 4, seed=1), 0, 7)
    for start, workers in ((3, 0), (0, 1), (2, 4)):
        state = torch.get_rng_state()
        fresh = ViewPlan(plan.path)
        resumed = take(PairBatches(dataset, fresh, 16, 4, seed=1, workers=workers), start, 7 - start)
        assert all(map(equal, resumed, straight[start:]))
        assert torch.equal(state, torch.get_rng_state())
    other = take(PairBatches(dataset, plan, 16, 4, seed=2), 0, 7)
    assert not any(map(equal, other, straight))


def test_batches_can_be_sent_to_a_worker_that_is_spawned(dataset: Dataset, plan: ViewPlan) -> None:
    batches = PairBatches(dataset, plan, 16, 4, seed=1)
    assert equal(batches[3], pickle.loads(pickle.dumps(batches))[3])


def test_siamese_t16_each_image_comes_once_per_pass_and_in_another_order(
    dataset: Dataset, plan: ViewPlan
) -> None:
    batches = PairBatches(dataset, plan, 16, 5, seed=1)
    assert batches.steps_per_pass == 2  # of 10 planned images
    passes = [[i for one, _ in take(batches, 2 * k, 2) for i in one.image_ids] for k in range(4)]
    for ids in passes:
        assert sorted(ids) == sorted(plan.draw(0).image_ids)
    assert len({tuple(ids) for ids in passes}) == 4


def test_a_pass_uses_the_draw_that_is_its_turn(dataset: Dataset, plan: ViewPlan) -> None:
    batches = PairBatches(dataset, plan, 16, 10, seed=1)
    boxes = []
    for step in range(4):
        one, _ = batches[step]
        boxes.append(dict(zip(one.image_ids, one.boxes, strict=True)))
    same = [[all(torch.equal(a[i], b[i]) for i in a) for b in boxes] for a in boxes]
    assert same == [[True, False] * 2, [False, True] * 2] * 2


def test_fewer_images_than_the_batch_are_passed_over_again(dataset: Dataset, plan: ViewPlan) -> None:
    batches = PairBatches(dataset, plan, 16, 25, seed=1)
    assert batches.steps_per_pass == 1
    one, two = batches[0]
    assert one.image_ids == two.image_ids
    assert sorted(one.image_ids[:20]) == sorted(2 * plan.draw(0).image_ids.tolist())


def test_a_view_holds_bytes_padding_boxes_labels_and_crops(dataset: Dataset, plan: ViewPlan) -> None:
    one, two = PairBatches(dataset, plan, 16, 10, seed=1)[0]
    for view in (one, two):
        assert (view.images.dtype, view.padding.dtype) == (torch.uint8, torch.bool)
        assert view.images.shape[2:] == view.padding.shape[1:] == one.padding.shape[1:]
        assert view.crops.shape == (10, 5, 3, 16, 16)
        assert view.crops.dtype == torch.uint8
        assert not view.images[view.padding[:, None].expand_as(view.images)].any()
        assert [labels.tolist() for labels in view.labels] == [[0] * 5] * 10
        for boxes in view.boxes:
            corners = cxcywh_to_xyxy(boxes)
            assert boxes.dtype == torch.float32
            assert boxes.shape == (5, 4)
            assert ((corners >= -1e-6) & (corners <= 1 + 1e-6)).all()
    assert torch.equal(one.padding, two.padding)
    assert one.padding.any()
    assert not one.padding.all(dim=0)[-1].all()  # as large as the largest, no larger
    assert not one.padding.all(dim=0)[:, -1].all()


def test_a_plan_of_another_data_set_is_refused(plan: ViewPlan, dataset: Dataset, monkeypatch) -> None:
    monkeypatch.setattr(dataset, "ids", [i + 1000 for i in dataset.ids])
    with pytest.raises(ValueError, match=r"plans image 0, which the data set lacks"):
        PairBatches(dataset, plan, 16, 4, seed=0)


def spot(size: tuple[int, int], x: float, y: float) -> torch.Tensor:
    """(3, H, W), bright around a point."""
    rows, columns = torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5
    light = torch.exp(-((rows[:, None] - y) ** 2 + (columns - x) ** 2) / 50)
    return (255 * light).to(torch.uint8).expand(3, -1, -1)


def centre(image: torch.Tensor) -> np.ndarray:
    """x, y of the brightest of an image, in fractions."""
    mass = image[0].double() ** 4
    rows, columns = (torch.arange(side) + 0.5 for side in mass.shape)
    x, y = (mass.sum(0) * columns).sum(), (mass.sum(1) * rows).sum()
    return np.array([x / mass.sum() / mass.shape[1], y / mass.sum() / mass.shape[0]])


def test_what_is_in_the_middle_of_a_proposal_is_in_the_middle_of_its_crops_and_boxes(
    run_of: Callable[..., ViewsRun],
) -> None:
    """Whatever the image was resized to, flipped or not, in both views."""
    run = run_of(short=[90, 120], longest=200, min_region=0.01)
    size, proposal = (120, 160), np.array([[70.0, 45, 110, 75]])
    seen = [0, 0]
    for draw in range(60):
        pair = plan_pair(run, 5, size, proposal, draw)
        if pair is None:
            continue
        sides = (pair.regions[1, 2:] - pair.regions[1, :2]) * 160 / pair.size[1]
        if not np.allclose(sides, [40, 30]):
            continue  # clipped: its middle is elsewhere
        seen[pair.flipped] += 1
        views, crops = cut(spot(size, 90, 60), pair, 64)
        for view, crop, rectangle in zip(views, crops[:, 1], pair.views, strict=True):
            assert centre(crop) == pytest.approx([0.5, 0.5], abs=0.04)
            middle = (pair.regions[1, :2] + pair.regions[1, 2:]) / 2
            expected = (middle - rectangle[:2]) / (rectangle[2:] - rectangle[:2])
            assert centre(view) == pytest.approx(expected, abs=0.02)
    assert min(seen) > 5


def test_siamese_t12_windows_are_within_half_a_pixel_of_their_boxes(run_of: Callable[..., ViewsRun]) -> None:
    """In a ramp of one level per pixel, the mean of a view says where it was cut."""
    run = run_of(short=[160], longest=240, flip=0.0)
    ramp = torch.arange(240, dtype=torch.uint8).expand(3, 160, 240)
    for draw in range(40):
        pair = plan_pair(run, 1, (160, 240), np.array([[0.0, 0, 240, 160]]), draw)
        for view, rectangle in zip(cut(ramp, pair, 8).images, pair.views, strict=True):
            assert float(view.float().mean()) == pytest.approx((rectangle[0] + rectangle[2] - 1) / 2, abs=1.0)


def test_crops_are_cut_from_the_view_without_jitter(dataset: Dataset, plan: ViewPlan) -> None:
    """The first region is the overlap: its crop is the view's pixels in its box."""
    pair = plan.pair(0, 3)
    image = dataset[dataset.ids.index(pair.image_id)].image
    views, crops = cut(image, pair, 24)
    height, width = pair.view_size
    assert views.shape == (2, 3, height, width)
    for view, crop, rectangle in zip(views, crops[:, 0], pair.views, strict=True):
        low, high = rectangle[:2], rectangle[2:]
        box = (pair.regions[0].reshape(2, 2) - low) / (high - low) * [width, height]
        (x0, y0), (x1, y1) = box.round().astype(int)
        window = view[None, :, y0:y1, x0:x1].float()
        plain = torch.nn.functional.interpolate(window, (24, 24), mode="bilinear", antialias=True)[0]
        assert (plain - crop.float()).abs().max() < 2


def test_a_tiny_region_is_still_a_crop() -> None:
    views = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]], np.float32)
    regions = np.array([[9.7, 9.7, 10, 10], [4.4, 4.4, 4.45, 4.45]], np.float32)
    pair = Pair(0, False, (10, 10), (10, 10), views, regions)
    image = torch.arange(100, dtype=torch.uint8).view(1, 10, 10).expand(3, 10, 10)
    crops = cut(image, pair, 4).crops
    assert crops[:, 0].eq(99).all()
    assert crops[:, 1].eq(44).all()
