"""Boxes drawn without looking."""

import numpy as np
import pytest

from sdetr.proposals.random import RandomBoxes
from sdetr.proposals.settings import RandomBoxesSettings

IMAGE = np.zeros((90, 160, 3), np.uint8)


def drawn(image_id=5, image=IMAGE, most=200, min_side=0.125, seed=0):
    return RandomBoxes(RandomBoxesSettings(kind="random", most=most, min_side=min_side, seed=seed))(
        image_id, image
    )


@pytest.mark.parametrize("min_side", [0.01, 0.125, 0.9])
def test_boxes_lie_in_the_image_and_have_their_least_side(min_side):
    boxes, scores, how, _ = drawn(min_side=min_side)
    size = np.array([160, 90])
    assert how == "drawn" and boxes.shape == (200, 4) and boxes.dtype == np.float32 and scores.shape == (200,)
    assert (boxes >= 0).all() and (boxes[:, 2:] <= size + 1e-3).all()
    sides = (boxes[:, 2:] - boxes[:, :2]) / size
    assert (sides >= min_side - 1e-5).all()
    assert (np.divide(*sides.T) <= 1 / min_side + 1e-3).all()


def test_sides_and_free_places_are_uniform():
    boxes = drawn(most=20000).boxes_xyxy_px / [160, 90, 160, 90]
    side = boxes[:, 2:] - boxes[:, :2]
    place = boxes[:, :2] / (1 - side)
    for values in ((side - 0.125) / 0.875, place):
        np.testing.assert_allclose(
            np.quantile(values, [0.25, 0.5, 0.75], axis=0), [[q] * 2 for q in (0.25, 0.5, 0.75)], atol=0.015
        )
    assert np.abs(np.corrcoef(np.concatenate([side, place], axis=1).T) - np.eye(4)).max() < 0.03


def test_a_draw_depends_on_seed_and_image_alone_and_fewer_are_a_prefix():
    boxes = drawn().boxes_xyxy_px
    np.testing.assert_array_equal(drawn(image=IMAGE + 200).boxes_xyxy_px, boxes)
    np.testing.assert_array_equal(drawn(most=30).boxes_xyxy_px, boxes[:30])
    assert (drawn(seed=1).boxes_xyxy_px != boxes).all()
    assert (drawn(image_id=6).boxes_xyxy_px != boxes).all()
