"""Recall against boxes counted by hand."""

from pathlib import Path

import numpy as np
import pytest

from sdetr.data.index import Annotation, Index
from sdetr.proposals.recall import recall
from sdetr.proposals.store import Proposals, write_proposals


def index(*annotations: Annotation) -> Index:
    return Index("x", Path(), ["thing"], [], list(annotations))


@pytest.fixture
def proposals(tmp_path):
    first = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [20, 20, 40, 30]], np.float32)
    second = np.array([[0, 0, 5, 5]], np.float32)
    rows = [(1, first, np.ones(3, np.float32)), (2, second, np.ones(1, np.float32))]
    write_proposals(tmp_path / "p.parquet", rows, lambda: {"left_out": {"3": "gone.jpg"}})
    return Proposals(tmp_path / "p.parquet")


def test_an_object_counts_from_the_first_box_that_overlaps_it_enough(proposals):
    objects = index(
        Annotation(1, 0, (0.0, 0.0, 10.0, 20.0), 200.0),  # IoU exactly .5 with the first
        Annotation(1, 0, (20.0, 20.0, 20.0, 10.0), 200.0),  # equal to the third
        Annotation(1, 0, (0.0, 0.0, 10.0, 21.0), 210.0),  # just below .5
        Annotation(2, 0, (0.0, 0.0, 5.0, 5.0), 25.0),
    )
    assert recall(proposals, objects, at=(1, 2, 3, 9)) == {1: 0.5, 2: 0.5, 3: 0.75, 9: 0.75}
    assert recall(proposals, objects, at=(3,), iou=0.4) == {3: 1.0}


def test_crowds_do_not_count_and_images_left_out_do(proposals):
    crowd = Annotation(1, 0, (70.0, 70.0, 9.0, 9.0), 81.0, crowd=True)
    unseen = Annotation(3, 0, (0.0, 0.0, 9.0, 9.0), 81.0)
    seen = Annotation(2, 0, (0.0, 0.0, 5.0, 5.0), 25.0)
    assert recall(proposals, index(crowd, unseen, seen), at=(9,)) == {9: 0.5}


def test_no_object_is_an_error(proposals):
    with pytest.raises(ValueError, match="no objects"):
        recall(proposals, index(Annotation(1, 0, (0.0, 0.0, 9.0, 9.0), 81.0, crowd=True)))
