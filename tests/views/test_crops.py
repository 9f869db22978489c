"""Views with crops: planned from (seed, image, draw) alone, pixels where the boxes say, patches as drawn."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from sdetr.data.dataset import Dataset
from sdetr.types import View
from sdetr.views.crops import plan_crops
from sdetr.views.crops_loader import CropBatches, pixels
from sdetr.views.crops_store import CropPlan
from sdetr.views.patches import draw_patches
from sdetr.views.settings import CropsSettings, ViewsRun
from sdetr.views.stage import plan_views
from tests.views.conftest import BARE, PARAMS, boxes_of

CUT = {"probability": 0.5, "short": [50, 60], "side": [30, 50]}
PROPOSED = {"kind": "proposed", "proposer": "edgeboxes", "policy": {"kind": "top"}}


@pytest.fixture(scope="module")
def crops_run() -> Callable[..., ViewsRun]:
    def make(**changes: Any) -> ViewsRun:
        recipe = PARAMS.resolve("views", "updetr-patches").values
        small = {"draws": 2, "regions": 4, "crop_px": 16}
        inner = {key: changes.pop(key) for key in list(changes) if key in CropsSettings.model_fields}
        run = {"stage": "views", "recipe": 1, "seed": 0, "short": [48, 64], "longest": 90, "dataset": "none"}
        return ViewsRun.model_validate(run | changes | {"views": recipe | small | inner})

    return make


@pytest.fixture(scope="module")
def planned(
    noise: Path, proposals: Path, crops_run: Callable[..., ViewsRun], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., CropPlan]:
    def make(**changes: Any) -> CropPlan:
        folder = tmp_path_factory.mktemp("crops")
        files = {"dataset": str(noise)} | ({"proposals": str(proposals)} if "sampler" in changes else {})
        (folder / "settings.yaml").write_text(yaml.safe_dump(crops_run(**files, **changes).said()))
        out = folder / "views/protocol/recipe/seed0.parquet"
        plan_views(folder / "settings.yaml", out)
        return CropPlan(out)

    return make


def test_equal_settings_give_equal_bytes_and_others_do_not(planned: Callable[..., CropPlan]) -> None:
    one = planned().path.read_bytes()
    assert one == planned().path.read_bytes()
    for changes in ({"seed": 1}, {"regions": 5}, {"short": [64]}, {"flip": 0.5}, {"crop": CUT}):
        assert planned(**changes).path.read_bytes() != one


def test_updetr_t10_draws_seeds_and_images_have_patches_of_their_own(
    crops_run: Callable[..., ViewsRun],
) -> None:
    drawn = [
        draw_patches(crops_run(seed=seed), image, (300, 400), draw).tobytes()
        for seed in (0, 1)
        for image in range(20)
        for draw in range(3)
    ]
    assert len(set(drawn)) == len(drawn)


def test_patches_are_uniform_rectangles_inside_of_the_image(crops_run: Callable[..., ViewsRun]) -> None:
    run, (height, width) = crops_run(regions=50), (375, 500)
    boxes = np.concatenate([draw_patches(run, i, (height, width), 0) for i in range(200)])
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (boxes == boxes.round()).all() and (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] < [width, height]).all()  # never at the right or lower border
    assert sides.min(axis=0).tolist() == [8, 8] and (sides.max(axis=0) == [width - 8, height - 8]).all()
    # of 10,000 rectangles with uniform sides: mean area a quarter, aspect's median 4/3
    area = sides.prod(axis=1) / (height * width)
    assert area.mean() == pytest.approx(0.25, abs=0.01) and np.median(area) == pytest.approx(0.19, abs=0.01)
    assert np.median(sides[:, 0] / sides[:, 1]) == pytest.approx(1.34, abs=0.05)


@pytest.mark.parametrize("size, there", [((16, 300), False), ((17, 300), True), ((300, 16), False)])
def test_images_too_small_for_patches_are_left_out(
    size: tuple[int, int], there: bool, crops_run: Callable[..., ViewsRun]
) -> None:
    run = crops_run()
    regions = draw_patches(run, 1, size, 0)
    assert (plan_crops(run, 1, size, regions, 0) is not None) == there


def test_a_grid_is_all_cells_once(crops_run: Callable[..., ViewsRun]) -> None:
    run = crops_run(sampler={"kind": "patches", "layout": "grid", "min_px": 8}, regions=6)
    cells = draw_patches(run, 3, (80, 90), 0)
    assert sorted(map(tuple, cells.tolist())) == [
        (x, y, x + 30, y + 40) for x in (0, 30, 60) for y in (0, 40)
    ]


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_detreg_t19_boxes_say_where_in_the_view_the_crops_are_from(
    flip: float, share: float, crops_run: Callable[..., ViewsRun]
) -> None:
    """Colours of an image are the places of its pixels, so that crops and views say where they are from."""
    size = height, width = 150, 200
    y, x = np.mgrid[0.5:height, 0.5:width]
    places = np.stack([255 * x / width, 255 * y / height, np.zeros(size)])
    image = torch.from_numpy(places.round().astype(np.uint8))
    run = crops_run(flip=flip, crop=CUT | {"probability": share}, regions=6, least=1, short=[60], longest=90)
    for image_id in range(20):
        regions = draw_patches(run, image_id, size, 0)
        planned = plan_crops(run, image_id, size, regions, 0)
        assert planned is not None and planned.flipped == bool(flip)
        view, crops = pixels(image, planned, 32)
        assert tuple(view.shape[1:]) == planned.view_size and len(crops) == len(planned.boxes)
        first = float(view[0, :, 0].float().mean()), float(view[0, :, -1].float().mean())
        assert (first[0] > first[1]) == bool(flip)
        h, w = planned.view_size
        for region, box, crop in zip(planned.regions, planned.boxes, crops, strict=True):
            low = 255 * region / np.tile([width, height], 2)
            np.testing.assert_allclose(crop[0].float().mean(), (low[0] + low[2]) / 2, atol=2)  # never flipped
            assert crop[0, 0, 0] <= crop[0, 0, -1]
            x0, y0, x1, y1 = (box * [w, h, w, h]).round().astype(int)
            if min(x1 - x0, y1 - y0) >= 12 and not share:  # a cut region is less than its crop
                shown = view[:, y0:y1, x0:x1].float().mean(dim=(1, 2))
                np.testing.assert_allclose(shown[:2], crop[:2].float().mean(dim=(1, 2)), atol=6)
        assert share or (planned.window == [0, 0, planned.size[1], planned.size[0]]).all()
        assert not share or ((planned.boxes >= 0) & (planned.boxes <= 1)).all()


def test_regions_that_a_window_misses_are_none_of_the_view(crops_run: Callable[..., ViewsRun]) -> None:
    run = crops_run(crop=CUT | {"probability": 1.0}, least=1, regions=4)
    regions = np.array([[0, 0, 9, 9], [190, 140, 199, 149], [0, 140, 9, 149], [60, 40, 140, 110]], float)
    found = [plan_crops(run, i, (150, 200), regions, 0) for i in range(100)]
    counts = {0 if one is None else len(one.regions) for one in found}
    assert {1, 2} <= counts and 4 not in counts
    assert all(len(one.boxes) == len(one.regions) for one in found if one)
    strict = crops_run(crop=CUT | {"probability": 1.0}, least=2, regions=4)
    fewer = [plan_crops(strict, i, (150, 200), regions, 0) for i in range(100)]
    assert [one is not None for one in fewer] == [one is not None and len(one.regions) > 1 for one in found]


def test_what_is_beyond_the_image_is_black_in_the_crop(crops_run: Callable[..., ViewsRun]) -> None:
    image = torch.full((3, 60, 80), 200, dtype=torch.uint8)
    regions = np.array([[40, 0, 120, 60], [100, 100, 130, 130]], float)
    planned = plan_crops(crops_run(least=1), 0, (60, 80), regions, 0)
    assert planned is not None and planned.boxes[0, 2] == pytest.approx(1.5)  # not clipped without a window
    crops = pixels(image, planned, 16)[1]
    assert (crops[0, :, :, :7] == 200).all() and not crops[0, :, :, 9:].any() and not crops[1].any()


def test_regions_of_a_proposer_are_its_first_and_images_without_are_left_out(
    planned: Callable[..., CropPlan],
) -> None:
    plan = planned(sampler=PROPOSED, least="all")
    ids = plan.draw(0).image_ids.tolist()
    assert BARE not in ids and len(ids) == 10
    for row, image_id in enumerate(ids):
        np.testing.assert_array_equal(plan.view(0, row).regions, boxes_of(image_id)[:4])


def test_detreg_t25_chance_takes_other_boxes_of_every_image_draw_and_seed(
    planned: Callable[..., CropPlan],
) -> None:
    """Draws that repeat, in another worker or epoch, made the released importance sampling no sampling."""
    policy = {"kind": "importance", "first": 12, "divisor": 4.0}
    plans = [planned(sampler=PROPOSED | {"policy": policy}, least=1, seed=seed) for seed in (0, 1)]
    taken = {}
    for seed, plan in enumerate(plans):
        for draw in range(plan.draws):
            for row, image_id in enumerate(plan.draw(draw).image_ids.tolist()):
                regions, of_image = plan.view(draw, row).regions, boxes_of(image_id).tolist()
                taken[seed, draw, image_id] = tuple(of_image.index(box) for box in regions.tolist())
    assert len(taken) > 30 and len(set(taken.values())) > 0.8 * len(taken)


def equal(one: View, two: View) -> bool:
    pairs = zip(
        [one.images, one.padding, one.crops, *one.boxes, *one.labels],
        [two.images, two.padding, two.crops, *two.boxes, *two.labels],
        strict=True,
    )
    return one.image_ids == two.image_ids and all(torch.equal(a, b) for a, b in pairs)


def test_detreg_t25_the_batch_of_a_step_is_the_same_from_any_start_and_with_workers(
    noise: Path, planned: Callable[..., CropPlan]
) -> None:
    dataset, plan = Dataset(noise), planned(crop=CUT, least=1)

    def take(start: int, count: int, workers: int = 0, seed: int = 1) -> list[View]:
        batches = CropBatches(dataset, CropPlan(plan.path), 16, 4, seed, workers)
        return [one for (one,) in itertools.islice(batches.from_step(start), count)]

    straight = take(0, 6)
    for start, workers in ((3, 0), (0, 1), (2, 4)):
        assert all(map(equal, take(start, 6 - start, workers), straight[start:]))
    assert not any(map(equal, take(0, 6, seed=2), straight))


def test_views_of_a_batch_stand_side_by_side(noise: Path, planned: Callable[..., CropPlan]) -> None:
    plan = planned(crop=CUT, least=1)
    ((view,),) = itertools.islice(CropBatches(Dataset(noise), plan, 16, 4, 0).from_step(0), 1)
    assert view.crops is not None and view.crops.dtype == view.images.dtype == torch.uint8
    counts = [len(boxes) for boxes in view.boxes]
    assert view.crops.shape == (4, max(counts), 3, 16, 16)
    for i, count in enumerate(counts):
        assert view.labels[i].tolist() == [0] * count
        assert view.crops[i, :count].flatten(1).any(1).all() and not view.crops[i, count:].any()
        assert not view.images[i, :, view.padding[i]].any()


def test_a_plan_of_other_images_is_refused(noise: Path, planned: Callable[..., CropPlan]) -> None:
    dataset = Dataset(noise)
    dataset.ids = [i + 1000 for i in dataset.ids]
    with pytest.raises(ValueError, match="plans image 0, which the data set lacks"):
        CropBatches(dataset, planned(), 16, 4, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"least": 5}, "least: 5, but a view has at most 4"), ({"sampler": {"kind": "eyes"}}, "patches")],
)
def test_recipes_that_mean_nothing_are_refused(
    changes: dict[str, Any], message: str, crops_run: Callable[..., ViewsRun]
) -> None:
    with pytest.raises(ValueError, match=message):
        crops_run(**changes)
