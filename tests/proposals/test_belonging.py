"""Boxes of their own images are told from those of others, and boxes that are all alike are not accused."""

from pathlib import Path

import numpy as np
import pytest

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.images import read_image
from sdetr.data.index import Index
from sdetr.proposals.belonging import belonging
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.recall import objects_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scenes(raw):
    """Proposals, objects and sizes of embedded scenes."""
    index = Index.load(raw / "scenes" / "train.json")
    objects = dict(list(objects_of(index).items())[:24])
    rows = {row.id: row for row in index.images if row.id in objects}
    propose, _ = choose_proposer(Composer(Params(ROOT / "params"), "demo").proposer("edgeboxes"), Path())
    sizes = {i: (row.height, row.width) for i, row in rows.items()}
    boxes = {
        i: propose(i, read_image(index.root / row.file, sizes[i])).boxes_xyxy_px for i, row in rows.items()
    }
    return boxes, objects, sizes


def test_boxes_that_are_right_belong(scenes):
    boxes, objects, sizes = scenes
    found = belonging(boxes.__getitem__, objects, sizes)
    assert not found.doubtful and found.chance < 0.01 and found.own > found.others + 0.1
    assert "boxes overlap what is seen" in str(found)


def test_shuffled_boxes_do_not(scenes):
    boxes, objects, sizes = scenes
    ids = list(objects)
    other = dict(zip(ids, ids[7:] + ids[:7], strict=True))
    scale = {i: np.array([sizes[i][1], sizes[i][0]] * 2) for i in ids}
    shuffled = {i: objects[other[i]] / scale[other[i]] * scale[i] for i in ids}
    found = belonging(boxes.__getitem__, shuffled, sizes)
    assert found.doubtful


def test_where_all_boxes_are_alike_an_exchange_shows_nothing(scenes):
    boxes, _, sizes = scenes
    middle = {i: np.array([[w * 0.2, h * 0.2, w * 0.8, h * 0.8]]) for i, (h, w) in sizes.items()}
    assert not belonging(boxes.__getitem__, middle, sizes).doubtful
