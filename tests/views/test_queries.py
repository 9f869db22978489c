"""Which crops there are, and which a test image is asked with."""

import random
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from sdetr.data.dataset import Dataset
from sdetr.views.queries import QueryPool, questions
from sdetr.views.settings import QuerySettings
from tests.views.coloured import SCENES, class_of, write_coloured

FIVE = QuerySettings(crop_px=8, passes=5)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(write_coloured(tmp_path_factory.mktemp("coloured") / "test.json"))


def numbered() -> dict[int, list[tuple[int, int]]]:
    """Label → image and number of its crops, in the order of the index: difficult ones too, no crowds."""
    found: dict[int, list[tuple[int, int]]] = {}
    crops = [(image, label) for image, those in SCENES.items() for label, _, how in those if how != "crowd"]
    for number, (image, label) in enumerate(crops):
        found.setdefault(label, []).append((image, number))
    return found


def test_the_pool_has_every_object_difficult_ones_too_but_no_crowd(dataset: Dataset) -> None:
    pool = QueryPool(dataset, 8)
    assert pool.of_class == {label: [n for _, n in those] for label, those in numbered().items()}
    assert [pool.classes_in(row) for row in range(5)] == [[0, 1], [1, 2], [2], [0], []]


@pytest.mark.parametrize("kept", [False, True])
def test_a_crop_is_what_is_in_the_box_resized_whatever_its_aspect(dataset: Dataset, kept: bool) -> None:
    pool, number = QueryPool(dataset, 8, kept), 0
    for row, (_, objects) in enumerate(SCENES.items()):
        for label, (x, y, w, h), how in objects:
            if how == "crowd":
                continue
            inside = dataset[row].image[None, :, y : y + h, x : x + w]
            expected = interpolate(inside, (8, 8), mode="bilinear", antialias=True)[0]
            assert torch.equal(pool.crop(number), expected) and torch.equal(pool.crop(number), expected)
            assert class_of(pool.crop(number)) == label
            number += 1


def test_every_class_of_an_image_is_asked_for_with_the_first_five_of_a_shuffle_by_its_number(
    dataset: Dataset,
) -> None:
    asked = questions(QueryPool(dataset, 8), dataset.ids, FIVE)
    for row, image in enumerate(dataset.ids):
        expected = []
        for label in sorted({label for label, _, how in SCENES[image] if how != "crowd"}):
            pool = [n for _, n in numbered()[label]]
            random.Random(image).shuffle(pool)
            expected += [(label, turn, (pool * 5)[turn - 1]) for turn in (1, 2, 3, 4, 5)]
        assert [tuple(one) for one in asked[row]] == expected
    assert asked[-1] == []  # nothing is there, so nothing is asked


def test_another_order_of_images_asks_the_same(dataset: Dataset, tmp_path: Path) -> None:
    """The seed is the image's number, not its place."""
    last = dict(reversed(SCENES.items()))
    turned = Dataset(write_coloured(tmp_path / "test.json", last | {71: [(0, (3, 3, 9, 9), "")]}))
    several = QuerySettings(crop_px=8, passes=1)
    one = questions(QueryPool(dataset, 8), dataset.ids, several)
    two = questions(QueryPool(turned, 8), turned.ids, several)
    assert [len(of) for of in one] == [len(of) for of in two[4::-1]]


def test_the_own_image_is_asked_with_unless_it_may_not(dataset: Dataset) -> None:
    pool = QueryPool(dataset, 8)
    own = [
        pool.rows[one.crop] == row for row, of in enumerate(questions(pool, dataset.ids, FIVE)) for one in of
    ]
    assert any(own)
    others = questions(pool, dataset.ids, QuerySettings(crop_px=8, passes=5, own_image=False))
    assert not any(pool.rows[one.crop] == row for row, of in enumerate(others) for one in of)


def test_a_class_that_one_image_alone_shows_cannot_be_asked_for_by_another(tmp_path: Path) -> None:
    alone = Dataset(write_coloured(tmp_path / "test.json", {5: SCENES[11], 6: SCENES[35], 7: SCENES[47]}))
    strict = QuerySettings(crop_px=8, passes=5, own_image=False)
    with pytest.raises(ValueError, match="own_image: false, but only image 5 shows class 1"):
        questions(QueryPool(alone, 8), alone.ids, strict)
