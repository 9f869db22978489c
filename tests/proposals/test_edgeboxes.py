"""EdgeBoxes of one image: what comes back, what happens when there is nothing to find."""

import numpy as np
import pytest

from sdetr.data.images import read_image
from sdetr.data.index import Index
from sdetr.proposals.edgeboxes import EdgeBoxes


@pytest.fixture(scope="module")
def images(raw):
    index = Index.load(raw / "scenes" / "train.json")
    return [read_image(index.root / row.file, (row.height, row.width)) for row in index.images[:8]]


@pytest.fixture
def finder(edgeboxes, tmp_path):
    return EdgeBoxes(edgeboxes(), tmp_path)


def test_boxes_lie_in_the_image_are_best_first_and_not_too_many(finder, images):
    for image in images:
        boxes, scores, how, _ = finder(0, image)
        assert how == "found" and 1 <= len(boxes) == len(scores) <= 32
        assert boxes.dtype == scores.dtype == np.float32 and boxes.shape[1] == 4
        assert (boxes >= 0).all() and (boxes[:, 2:] <= [image.shape[1], image.shape[0]]).all()
        sides = boxes[:, 2:] - boxes[:, :2]
        assert (sides > 0).all() and (sides.prod(axis=1) >= 250 * 0.9).all()
        assert (np.diff(scores) <= 0).all()


def test_a_lone_rectangle_is_the_best_box(edgeboxes, tmp_path):
    image = np.full((120, 160, 3), 90, np.uint8)
    image[30:90, 40:120] = (210, 120, 40)
    (x0, y0, x1, y1), *_ = EdgeBoxes(edgeboxes(), tmp_path)(0, image).boxes_xyxy_px
    overlap = (min(x1, 120) - max(x0, 40)) * (min(y1, 90) - max(y0, 30))
    assert overlap / ((x1 - x0) * (y1 - y0) + 80 * 60 - overlap) > 0.8


def test_boxes_do_not_depend_on_the_images_seen_before(edgeboxes, tmp_path, images):
    """OpenCV's object keeps what it saw: used again, it answered 58 of 60 images differently."""
    finder = EdgeBoxes(edgeboxes(), tmp_path)
    forward = [finder(0, image) for image in images]
    backward = [finder(0, image) for image in reversed(images)][::-1]
    for image, one, two in zip(images, forward, backward, strict=True):
        alone = EdgeBoxes(edgeboxes(), tmp_path)(0, image)
        for other in (two, alone):
            np.testing.assert_array_equal(one.boxes_xyxy_px, other.boxes_xyxy_px)
            np.testing.assert_array_equal(one.scores, other.scores)


def test_every_option_reaches_the_search(edgeboxes, tmp_path):
    """The search tells what it was given; no two values here are equal, so none can stand for another."""
    names = {
        "alpha": ("Alpha", 0.61),
        "beta": ("Beta", 0.62),
        "eta": ("Eta", 0.93),
        "min_score": ("MinScore", 0.02),
        "most": ("MaxBoxes", 17),
        "edge_min_mag": ("EdgeMinMag", 0.11),
        "edge_merge_thr": ("EdgeMergeThr", 0.52),
        "cluster_min_mag": ("ClusterMinMag", 0.53),
        "max_aspect_ratio": ("MaxAspectRatio", 2.9),
        "min_box_area": ("MinBoxArea", 777.0),
        "gamma": ("Gamma", 2.1),
        "kappa": ("Kappa", 1.6),
    }
    search = EdgeBoxes(edgeboxes(**{ours: value for ours, (_, value) in names.items()}), tmp_path)._search()
    for theirs, value in names.values():
        assert getattr(search, f"get{theirs}")() == pytest.approx(value), theirs


def test_the_papers_proposer_is_opencvs_default_but_for_the_number_of_boxes(edgeboxes, tmp_path):
    import cv2

    ours, theirs = EdgeBoxes(edgeboxes("edgeboxes"), tmp_path)._search(), cv2.ximgproc.createEdgeBoxes()
    getters = [name for name in dir(theirs) if name.startswith("get")]
    getters = sorted(set(getters) - {"getBoundingBoxes", "getDefaultName", "getMaxBoxes"})
    assert len(getters) == 11
    for name in getters:
        assert getattr(ours, name)() == getattr(theirs, name)(), name
    assert ours.getMaxBoxes() == 512


def test_a_small_image_gets_a_second_look_in_its_own_pixels(edgeboxes, tmp_path):
    image = np.full((24, 30, 3), 60, np.uint8)
    image[6:18, 8:22] = 190  # 168 px: below the least area, unless enlarged
    boxes, scores, how, _ = EdgeBoxes(edgeboxes(min_box_area=1000.0), tmp_path)(0, image)
    assert how == "enhanced" and len(boxes) == len(scores)
    assert (boxes[:, 2:] <= [30, 24]).all() and (boxes >= 0).all()
    assert np.abs(boxes - [8, 6, 22, 18]).max(axis=1).min() < 2


@pytest.mark.parametrize("size", [(80, 120), (31, 7), (1, 1), (2, 3000)])
def test_siamese_t24_the_last_resort_is_the_central_box(finder, size):
    boxes, scores, how, _ = finder(0, np.full((*size, 3), 128, np.uint8))
    height, width = size
    assert how == "central" and scores.tolist() == [0]
    np.testing.assert_allclose(boxes, [[width / 4, height / 4, 3 * width / 4, 3 * height / 4]])
