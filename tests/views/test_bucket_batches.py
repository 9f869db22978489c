"""Batches of alike shape, of every kind of data: no image is another one for the company it keeps."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from sdetr.data.alike import alike
from sdetr.data.dataset import Dataset
from sdetr.data.loader import TrainBatches
from sdetr.data.padding import Padding
from sdetr.data.settings import AS_DRAWN, AugmentSettings, BucketSettings
from sdetr.types import View
from sdetr.views.crops_loader import CropBatches
from sdetr.views.crops_store import CropPlan
from sdetr.views.loader import PairBatches
from sdetr.views.stage import plan_views
from sdetr.views.store import ViewPlan
from tests.views.conftest import PARAMS

BUCKETS = BucketSettings(pool=3, multiple_px=16, shapes=5)
AUGMENT = AugmentSettings.model_validate(
    {
        "flip": 0.5,
        "short": [40, 48, 64],
        "longest": 90,
        "crop": {"probability": 0.5, "short": [50], "side": [30, 45]},
    }
)
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def crop_plan(noise: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crops")
    recipe = PARAMS.resolve("views", "updetr-patches").values | {"draws": 2, "regions": 4, "crop_px": 16}
    run = {"stage": "views", "recipe": 1, "seed": 0, "short": [48, 64], "longest": 90}
    (folder / "settings.yaml").write_text(yaml.safe_dump(run | {"dataset": str(noise), "views": recipe}))
    plan_views(folder / "settings.yaml", folder / "views/protocol/recipe/seed0.parquet")
    return folder / "views/protocol/recipe/seed0.parquet"


@pytest.fixture(params=["train", "pairs", "crops"])
def make(request: pytest.FixtureRequest, noise: Path, plan: ViewPlan, crop_plan: Path) -> Make:
    """Batches of two images, of a kind, by their other settings."""
    dataset = Dataset(noise)
    kinds: dict[str, Make] = {
        "train": lambda **more: TrainBatches(dataset, AUGMENT, 2, 1, **more),
        "pairs": lambda **more: PairBatches(dataset, ViewPlan(plan.path), 16, 2, 1, **more),
        "crops": lambda **more: CropBatches(dataset, CropPlan(crop_plan), 16, 2, 1, **more),
    }
    return kinds[request.param]


def take(batches: Any, start: int, count: int) -> list[list[View]]:
    """Lists of views, whatever comes."""
    found = itertools.islice(batches.from_step(start), count)
    return [[one] if isinstance(one, View) else one for one in found]


def images_of(batches: list[list[View]]) -> dict[tuple[int, int], list[torch.Tensor]]:
    """Image and view → its unpadded pixels and boxes."""
    found = {}
    for views in batches:
        for which, view in enumerate(views):
            for i, image_id in enumerate(view.image_ids):
                h, w = _size(view.padding[i])
                found[image_id, which] = [view.images[i, :, :h, :w], view.boxes[i], view.labels[i]]
    return found


def test_buckets_change_who_meets_whom_and_nothing_of_an_image(make: Make) -> None:
    plain, bucketed = make(buckets=AS_DRAWN), make(buckets=BUCKETS)
    steps = plain.steps_per_pass
    assert bucketed.steps_per_pass == steps > 3
    for turn in range(2):
        one, two = (take(batches, turn * steps, steps) for batches in (plain, bucketed))
        assert [v[0].image_ids for v in one] != [v[0].image_ids for v in two]
        one_images, two_images = images_of(one), images_of(two)
        assert one_images.keys() == two_images.keys()
        for key, tensors in one_images.items():
            assert all(map(torch.equal, tensors, two_images[key]))


def test_who_meets_whom_is_decided_by_the_sizes_that_views_really_have(make: Make) -> None:
    settings = BucketSettings(pool=5, multiple_px=16)
    plain, bucketed = make(buckets=AS_DRAWN), make(buckets=settings)
    for turn in range(2):
        first, padding = turn * plain.steps_per_pass, Padding(16)
        views = [views[0] for views in take(plain, first, 5)]
        ids = np.concatenate([view.image_ids for view in views])
        sizes = np.array([_size(mask) for view in views for mask in view.padding])
        wanted = {tuple(ids[np.sort(rows)]) for rows in alike(sizes, 5, padding)}
        found = [views[0] for views in take(bucketed, first, 5)]
        assert {tuple(view.image_ids) for view in found} == wanted
        for view in found:
            largest = np.max([_size(mask) for mask in view.padding], axis=0)
            assert view.padding.shape[1:] == tuple(padding(largest))


def _size(padding: torch.Tensor) -> tuple[int, int]:
    return int((~padding).any(dim=1).sum()), int((~padding).any(dim=0).sum())


def test_views_have_shapes_of_whole_cells_and_are_black_where_padded(make: Make) -> None:
    for views in take(make(buckets=BUCKETS), 0, 5):
        for view in views:
            assert view.images.shape[2:] == view.padding.shape[1:]
            assert not any(side % 16 for side in view.padding.shape[1:])
            assert not view.images[view.padding[:, None].expand_as(view.images)].any()


def test_the_batch_of_a_step_is_the_same_from_any_start_and_with_workers(make: Make) -> None:
    def equal(one: list[View], two: list[View]) -> bool:
        return all(
            a.image_ids == b.image_ids
            and torch.equal(a.images, b.images)
            and torch.equal(a.padding, b.padding)
            for a, b in zip(one, two, strict=True)
        )

    straight = take(make(buckets=BUCKETS), 0, 12)
    for start, workers in ((7, 0), (2, 3)):
        resumed = take(make(buckets=BUCKETS, workers=workers), start, 12 - start)
        assert all(map(equal, resumed, straight[start:]))
