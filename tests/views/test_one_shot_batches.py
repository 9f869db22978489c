"""Training batches of one-shot detection: one class of an image is wanted, the rest is background."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
import torch

from sdetr.data.dataset import Dataset
from sdetr.data.loader import WHOLE, TrainBatches
from sdetr.data.settings import AugmentSettings
from sdetr.types import View
from sdetr.views.one_shot import OneShotBatches
from sdetr.views.queries import QueryPool
from tests.views.coloured import SCENES, class_of, write_coloured

WHOLE_IMAGE = AugmentSettings(flip=0.0, short=(40,), longest=56)
CUT = AugmentSettings.model_validate(
    {
        "flip": 0.5,
        "short": [32, 40],
        "longest": 60,
        "crop": {"probability": 0.7, "short": [44], "side": [16, 30]},
    }
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(write_coloured(tmp_path_factory.mktemp("coloured") / "train.json"))


def made(
    dataset: Dataset, augment: AugmentSettings = CUT, batch: int = 4, workers: int = 0, part: slice = WHOLE
) -> OneShotBatches:
    images = TrainBatches(dataset, augment, batch, 3, part=part)
    return OneShotBatches(images, QueryPool(dataset, 8), 3, workers)


def take(batches: OneShotBatches, start: int, count: int) -> list[View]:
    return list(itertools.islice(batches.from_step(start), count))


def tensors(view: View) -> list[torch.Tensor]:
    assert view.crops is not None
    return [view.images, view.padding, view.crops, *view.boxes, *view.labels]


def same(one: View, two: View) -> bool:
    pairs = zip(tensors(one), tensors(two), strict=True)
    return one.image_ids == two.image_ids and all(torch.equal(a, b) for a, b in pairs)


def test_the_batch_of_a_step_is_the_same_from_any_start_and_with_workers(dataset: Dataset) -> None:
    straight = take(made(dataset), 0, 6)
    for start, workers in ((2, 0), (5, 0), (0, 1), (1, 2)):
        state = torch.get_rng_state()
        resumed = take(made(dataset, workers=workers), start, 6 - start)
        assert all(map(same, resumed, straight[start:]))
        assert torch.equal(state, torch.get_rng_state())


def test_ranks_have_parts_of_one_batch(dataset: Dataset) -> None:
    whole = made(dataset)
    for step in range(3):
        halves = [made(dataset, part=part)[step] for part in (slice(0, 1), slice(1, 4))]
        view = whole[step]
        assert [i for half in halves for i in half.image_ids] == view.image_ids
        for name in ("boxes", "labels"):
            parts = [one for half in halves for one in getattr(half, name)]
            assert all(map(torch.equal, parts, getattr(view, name)))
        assert view.crops is not None
        assert torch.equal(torch.cat([half.crops for half in halves if half.crops is not None]), view.crops)


def test_only_the_class_of_the_crop_is_wanted_and_all_of_it(dataset: Dataset) -> None:
    """A crop has its class's colour, and so has what is in the boxes; crowds are nobody's."""
    for view in take(made(dataset, WHOLE_IMAGE), 0, 20):
        assert view.crops is not None and view.crops.shape == (4, 1, 3, 8, 8)
        for i, image_id in enumerate(view.image_ids):
            asked = class_of(view.crops[i, 0])
            there = [box for label, box, how in SCENES[image_id] if label == asked and how != "crowd"]
            found = view.boxes[i] * torch.tensor([56, 40, 56, 40])
            corners = torch.cat([found[:, :2] - found[:, 2:] / 2, found[:, 2:]], dim=1).tolist()
            assert [tuple(map(round, box)) for box in corners] == there
            assert view.labels[i].tolist() == [0] * len(there)
            if any(how != "crowd" for _, _, how in SCENES[image_id]):
                assert there  # what is asked for is there


def test_the_class_is_drawn_evenly_from_those_there_and_its_crop_from_all_training_crops(
    dataset: Dataset,
) -> None:
    """Image 11 has twice as many objects of the first class; half of the crops are of other images."""
    batches, classes, crops = made(dataset, WHOLE_IMAGE, batch=5), Counter(), Counter()  # type: ignore[var-annotated]
    drawn = batches._drawn
    for turn in range(2000):
        place = batches._batches.places(turn)[0]._replace(row=0)
        label, crop = drawn(place, 11, [0, 1, 0])
        classes[label] += 1
        crops[crop] += label == 0
    assert classes.keys() == {0, 1} and abs(classes[0] - 1000) < 4 * 500**0.5
    thirds = [crops[n] for n in (0, 2, 6)]  # its own two, and that of image 47
    assert sum(thirds) == classes[0] and all(
        abs(n - classes[0] / 3) < 4 * (classes[0] * 2 / 9) ** 0.5 for n in thirds
    )


def test_what_a_cut_left_is_asked_for_and_where_it_left_nothing_something_of_the_image(
    dataset: Dataset,
) -> None:
    seen = {True: 0, False: 0}
    plain = TrainBatches(dataset, CUT, 4, 3)
    for step, view in enumerate(take(made(dataset), 0, 60)):
        assert view.crops is not None
        for i, labels in enumerate(plain[step].labels):
            asked = class_of(view.crops[i, 0])
            of_image = {label for label, _, how in SCENES[view.image_ids[i]] if how != "crowd"}
            assert asked in (set(labels.tolist()) or of_image or {0, 1, 2})
            assert len(view.boxes[i]) == int((labels == asked).sum())
            seen[len(labels) > 0] += len(of_image) > 0
    assert all(seen.values())


def test_a_data_set_of_crowds_alone_is_refused(tmp_path: Path) -> None:
    crowds = Dataset(write_coloured(tmp_path / "train.json", {1: [(0, (1, 1, 20, 20), "crowd")]}))
    with pytest.raises(ValueError, match="no training image has an object that could be asked for"):
        made(crowds, batch=1)
