"""Batches: a pure function of seed and step; each image once per pass."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
import torch

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Dataset
from sdetr.data.loader import TrainBatches, test_views
from sdetr.data.normalise import DEVIATION, MEAN, normalise
from sdetr.data.settings import AugmentSettings, ResizeSettings
from sdetr.types import View

AUGMENT = AugmentSettings.model_validate(
    {
        "flip": 0.5,
        "short": [40, 48],
        "longest": 64,
        "crop": {"probability": 0.5, "short": [50], "side": [30, 45]},
    }
)


@pytest.fixture(scope="module")
def dataset(shapes: Path) -> Dataset:
    return Dataset(shapes / "coco/train.json")


def equal(one: View, two: View) -> bool:
    pairs = zip(
        [one.images, one.padding, *one.boxes, *one.labels],
        [two.images, two.padding, *two.boxes, *two.labels],
        strict=True,
    )
    return one.image_ids == two.image_ids and all(torch.equal(a, b) for a, b in pairs)


def take(batches: TrainBatches, start: int, count: int) -> list[View]:
    return list(itertools.islice(batches.from_step(start), count))


def test_the_batch_of_a_step_is_the_same_from_any_start_and_with_workers(dataset: Dataset) -> None:
    straight = take(TrainBatches(dataset, AUGMENT, 5, seed=1), 0, 9)
    for start, workers in ((4, 0), (8, 0), (0, 1), (3, 4)):
        state = torch.get_rng_state()
        resumed = take(TrainBatches(dataset, AUGMENT, 5, seed=1, workers=workers), start, 9 - start)
        assert all(map(equal, resumed, straight[start:]))
        assert torch.equal(state, torch.get_rng_state())  # the run's own numbers are left alone


def test_each_image_comes_once_per_pass_and_in_another_order(dataset: Dataset) -> None:
    batches = TrainBatches(dataset, AUGMENT, 5, seed=1)
    assert batches.steps_per_pass == 4
    passes = [[i for view in take(batches, 4 * k, 4) for i in view.image_ids] for k in range(3)]
    for ids in passes:
        assert len(ids) == len(set(ids)) == 20
    assert passes[0] != passes[1] != passes[2]
    assert set(TrainBatches(dataset, AUGMENT, 24, seed=1)[7].image_ids) == set(dataset.ids)


def test_fewer_images_than_the_batch_are_passed_over_again(dataset: Dataset) -> None:
    batches = TrainBatches(dataset, AUGMENT, 60, seed=1)
    assert batches.steps_per_pass == 1
    assert set(Counter(batches[0].image_ids).values()) == {2, 3}
    two = Counter(batches[0].image_ids) + Counter(batches[1].image_ids)
    assert set(two.values()) == {5}


def test_seeds_and_passes_change_the_changes(dataset: Dataset) -> None:
    one = TrainBatches(dataset, AUGMENT, 24, seed=1)
    other = TrainBatches(dataset, AUGMENT, 24, seed=2)
    assert not equal(one[0], other[0])

    def of(view: View, image_id: int) -> torch.Tensor:
        return view.boxes[view.image_ids.index(image_id)]

    changed = [not torch.equal(of(one[0], i), of(one[1], i)) for i in dataset.ids]
    assert sum(changed) > 12


def test_another_batch_size_changes_no_image(dataset: Dataset) -> None:
    """What happens to an image in a pass depends on (seed, pass, image) alone."""
    boxes = []
    for batch in (4, 8):
        views = take(TrainBatches(dataset, AUGMENT, batch, seed=1), 0, 24 // batch)
        boxes.append({i: b for view in views for i, b in zip(view.image_ids, view.boxes, strict=True)})
    assert all(torch.equal(boxes[0][i], boxes[1][i]) for i in dataset.ids)


def test_crowds_are_no_targets(dataset: Dataset) -> None:
    samples = {dataset.ids[i]: dataset[i] for i in range(len(dataset))}
    assert any(sample.crowd.any() for sample in samples.values())
    plain = AugmentSettings(flip=0, short=(48,), longest=64)
    view = TrainBatches(dataset, plain, 24, seed=0)[0]
    for image_id, labels in zip(view.image_ids, view.labels, strict=True):
        sample = samples[image_id]
        assert labels.tolist() == sample.labels[~sample.crowd].tolist()


def test_boxes_are_fractions_of_the_unpadded_image_and_padding_is_black(dataset: Dataset) -> None:
    view = TrainBatches(dataset, AUGMENT, 12, seed=1)[0]
    assert (view.images.dtype, view.padding.dtype) == (torch.uint8, torch.bool)
    assert view.padding.any()
    assert not view.images[view.padding[:, None].expand_as(view.images)].any()
    for boxes, padding in zip(view.boxes, view.padding, strict=True):
        corners = cxcywh_to_xyxy(boxes)
        assert ((corners >= -1e-6) & (corners <= 1 + 1e-6)).all()
        rows, columns = (~padding).any(dim=1).sum(), (~padding).any(dim=0).sum()
        assert (~padding).sum() == rows * columns  # a rectangle
        assert not padding[0, 0]


def test_detreg_t27_every_test_image_comes_once_unpadded_with_its_own_size(dataset: Dataset) -> None:
    seen = []
    for view, sizes in test_views(dataset, ResizeSettings(short=40, longest=64), most=7):
        assert not view.padding.any()
        assert len(view.image_ids) <= 7
        assert sizes.tolist() == [list(dataset.sizes[dataset.ids.index(i)]) for i in view.image_ids]
        seen += view.image_ids
    assert sorted(seen) == sorted(dataset.ids)


def test_images_of_different_shape_share_no_test_view(dataset: Dataset, monkeypatch) -> None:
    one, other = (64, 80), (80, 64)
    monkeypatch.setattr(dataset, "sizes", [one if i % 3 else other for i in range(24)])
    original = Dataset.__getitem__

    def turned(self: Dataset, i: int):
        monkeypatch.setattr(self, "sizes", [one] * 24)
        sample = original(self, i)
        monkeypatch.setattr(self, "sizes", [one if k % 3 else other for k in range(24)])
        return sample if i % 3 else type(sample)(**vars(sample) | {"image": sample.image.transpose(1, 2)})

    monkeypatch.setattr(Dataset, "__getitem__", turned)
    shapes = [
        tuple(view.images.shape) for view, _ in test_views(dataset, ResizeSettings(short=32, longest=64))
    ]
    assert sorted(shapes) == [(8, 3, 40, 32), (16, 3, 32, 40)]


def test_normalised_images_undo_to_the_bytes_and_are_zero_where_padded(dataset: Dataset) -> None:
    view = TrainBatches(dataset, AUGMENT, 12, seed=1)[0]
    normal = normalise(view).images
    hidden = view.padding[:, None].expand_as(normal)
    assert normal.dtype == torch.float32
    assert (normal[hidden] == 0).all()
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    back = (normal * deviation + mean) * 255
    assert torch.allclose(back[~hidden], view.images[~hidden].float(), atol=1e-3)
