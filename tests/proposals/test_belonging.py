"""Boxes of their own images are told from those of others, and right ones are accused nowhere: not where all
are alike, not where hardly anything is to be seen.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.images import read_image
from sdetr.data.index import Index
from sdetr.proposals.belonging import Belonging, belonging
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.contrast import Contrast
from sdetr.proposals.recall import objects_of

ROOT = Path(__file__).parents[2]
Changed = Callable[[np.ndarray], np.ndarray]


class Scenes(NamedTuple):
    """Embedded scenes: pixels, objects and sizes by image."""

    pictures: dict[int, np.ndarray]
    objects: dict[int, np.ndarray]
    sizes: dict[int, tuple[int, int]]

    def shuffled(self, by: int) -> dict[int, np.ndarray]:
        """Objects of the image that is so many further on, at the same places."""
        ids = list(self.objects)
        scale = {i: np.array([self.sizes[i][1], self.sizes[i][0]] * 2) for i in ids}
        other = dict(zip(ids, ids[by:] + ids[:by], strict=True))
        return {i: self.objects[other[i]] / scale[other[i]] * scale[i] for i in ids}

    def found(self, objects: dict[int, np.ndarray], change: Changed) -> Belonging:
        """In images that somebody changed."""
        changed = {i: change(one.astype(float)) for i, one in self.pictures.items()}
        seen = {i: one.clip(0, 255).round().astype(np.uint8) for i, one in changed.items()}
        propose, _ = choose_proposer(Composer(Params(ROOT / "params"), "demo").proposer("edgeboxes"), Path())
        boxes = {i: propose(i, one).boxes_xyxy_px for i, one in seen.items()}
        return belonging(boxes.__getitem__, objects, self.sizes, seen)


@pytest.fixture(scope="module")
def scenes(raw) -> Scenes:
    index = Index.load(raw / "scenes" / "train.json")
    objects = dict(list(objects_of(index).items())[:24])
    rows = {row.id: row for row in index.images if row.id in objects}
    sizes = {i: (row.height, row.width) for i, row in rows.items()}
    return Scenes({i: read_image(index.root / row.file, sizes[i]) for i, row in rows.items()}, objects, sizes)


def faint(contrast: float, noise: float) -> Changed:
    """As little of what there is to see, and noise over it."""
    rng = np.random.default_rng(0)
    return lambda picture: 128 + contrast * (picture - 128) + rng.normal(0, noise, picture.shape)


def blurred(picture: np.ndarray) -> np.ndarray:
    """Nothing of the picture, but structure."""
    drawn = np.random.default_rng(int(picture.sum())).integers(0, 256, picture.shape, np.uint8)
    return np.asarray(Image.fromarray(drawn).filter(ImageFilter.GaussianBlur(2)), float)


SHOWN = {"clear": faint(1, 0), "pale": faint(0.04, 0), "noisy": faint(1, 30)}
HIDDEN = {"faint": faint(0.04, 4), "fainter": faint(0.1, 10), "palest": faint(0.02, 0)}
NOTHING = {"grey": faint(0, 0), "noise": faint(0, 20), "clouds": blurred}


@pytest.mark.parametrize("how", [*SHOWN, *HIDDEN, *NOTHING])
def test_right_boxes_are_not_accused_however_little_is_to_be_seen(scenes, how):
    found = scenes.found(scenes.objects, (SHOWN | HIDDEN | NOTHING)[how])
    assert not found.doubtful
    if how not in NOTHING:
        assert found.chance_apart < 0.01 and found.apart > 2 * found.others_apart


def among_clear(picture: np.ndarray) -> np.ndarray:
    """Faint objects below noise, and one thing that every image shows clearly and nobody labelled."""
    changed = faint(0.04, 10)(picture)
    changed[10:50, 10:60] = 250
    return changed


def test_right_boxes_of_faint_objects_are_not_accused_beside_something_clear(scenes):
    """Proposals see that thing alone."""
    found = scenes.found(scenes.objects, among_clear)
    assert found.chance > 0.01 > found.chance_apart and found.seen > 0.02
    assert not found.doubtful and scenes.found(scenes.shuffled(7), among_clear).doubtful


@pytest.mark.parametrize("strength", [0.3, 0.5])
def test_right_boxes_of_pale_objects_are_not_accused_among_clear_ones_that_nobody_labelled(scenes, strength):
    ids = list(scenes.objects)
    others = dict(zip(ids, ids[5:] + ids[:5], strict=True))
    own = {i: strength * (scenes.pictures[i].astype(float) - 128) for i in ids}
    pictures = {i: np.clip(scenes.pictures[others[i]] + own[i], 0, 255) for i in ids}
    found = scenes._replace(pictures=pictures).found(scenes.objects, SHOWN["clear"])
    assert found.chance_apart < 0.01 and not found.doubtful


@pytest.mark.parametrize("by", [3, 7, 11])
@pytest.mark.parametrize("how", SHOWN)
def test_shuffled_boxes_are_where_objects_can_be_seen(scenes, how, by):
    found = scenes.found(scenes.shuffled(by), SHOWN[how])
    assert found.doubtful
    assert "boxes overlap what is seen" in str(found) and "of what differs in and around them" in str(found)


@pytest.mark.parametrize("how", NOTHING)
def test_where_nothing_is_to_be_seen_nobody_can_tell(scenes, how):
    assert not scenes.found(scenes.shuffled(7), NOTHING[how]).doubtful


def test_where_all_boxes_are_alike_an_exchange_shows_nothing(scenes):
    middle = {i: np.array([[w * 0.2, h * 0.2, w * 0.8, h * 0.8]]) for i, (h, w) in scenes.sizes.items()}
    assert not scenes.found(middle, SHOWN["clear"]).doubtful


@given(
    st.tuples(*[st.integers(1, 20)] * 2),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_a_box_explains_all_of_a_plain_object_and_nothing_of_a_plain_picture(corner, inside, beside):
    x, y = corner
    picture = np.full((48, 64, 3), beside, np.uint8)
    picture[y : y + 20, x : x + 32] = inside
    box = np.array(
        [[x / 64, y / 48, (x + 32) / 64, (y + 20) / 48], [0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]]
    )
    share = Contrast(picture)(box)
    assert share[0] == pytest.approx(1, abs=0.6 if abs(inside - beside) == 1 else 0.15) or inside == beside
    assert (share[0] == 0) == (inside == beside) and list(share[1:]) == [0, 0]
