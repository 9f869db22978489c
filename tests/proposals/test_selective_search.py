"""Selective Search of one image against OpenCV's own, and what its rankings are made of."""

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sdetr.data.images import read_image
from sdetr.data.index import Index
from sdetr.proposals.grouping import describe
from sdetr.proposals.selective_search import SelectiveSearch, ranked
from sdetr.proposals.settings import SelectiveSearchSettings


@pytest.fixture(scope="module")
def images(raw):
    index = Index.load(raw / "scenes" / "train.json")
    return [read_image(index.root / row.file, (row.height, row.width)) for row in index.images[:4]]


def settings(**changes):
    plain = {"kind": "selective_search", "mode": "fast", "size": 128, "colours": "rgb", "rankings": 3}
    return SelectiveSearchSettings.model_validate(plain | changes)


def noise(height, width, seed=0):
    """Soft noise: no two similarities are equal, so that OpenCV's order of merging is the only one."""
    import cv2

    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(pixels, (0, 0), 2.5), None, 0, 255, cv2.NORM_MINMAX)


def seeded(seed):
    """The C library's `rand`, of which OpenCV draws one number per region."""
    library = ctypes.CDLL(None)
    library.srand(seed)
    return library.rand


def process(image, mode, seed):
    """OpenCV's own boxes in its own ranking, (N, 4) xyxy px."""
    import cv2

    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(image)
    getattr(search, f"switchToSelectiveSearch{mode.title()}")()
    seeded(seed)
    boxes_xywh = np.asarray(search.process())
    return np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], axis=1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="2³¹ − 1 is glibc's RAND_MAX")
@pytest.mark.parametrize("mode, size", [("fast", 128), ("fast", None), ("quality", None)])
@pytest.mark.parametrize("seed", [1, 2])
def test_given_the_same_random_numbers_the_list_is_the_one_of_opencv(mode, size, seed):
    import cv2

    image = noise(96, 110, seed)
    regions = SelectiveSearch(settings(mode=mode, size=size)).regions(image)
    rand = seeded(seed)
    drawn = np.array([rand() for _ in regions.levels]) / (2**31 - 1)
    boxes, _ = ranked(regions, drawn[None])
    looked = cv2.resize(image, (size, size)) if size else image
    np.testing.assert_array_equal(boxes, process(looked, mode, seed))
    assert len(boxes) > 25


@pytest.mark.parametrize("colours", ["rgb", "bgr"])
def test_detreg_t6_t7_size_and_order_of_colours_change_the_boxes(images, colours):
    """RGB goes as it is into a function that takes it for BGR; few boxes survive the swap, or the size."""
    search = SelectiveSearch(settings(colours=colours))
    given = images[0] if colours == "rgb" else images[0][..., ::-1]
    import cv2

    squashed = cv2.resize(np.ascontiguousarray(given), (128, 128))
    found = {tuple(box) for box in search.regions(images[0]).boxes_xyxy_px.tolist()}
    assert found == {tuple(box) for box in process(squashed, "fast", 1).tolist()}
    swapped = "bgr" if colours == "rgb" else "rgb"
    for changes in ({"colours": swapped}, {"size": None}):
        other = SelectiveSearch(settings(**{"colours": colours} | changes)).regions(images[0])
        shared = found & {tuple(box) for box in other.boxes_xyxy_px.tolist()}
        assert len(shared) < 0.7 * len(found), changes


def test_detreg_t6_t7_size_and_order_of_colours_are_part_of_what_decides_a_file():
    said = settings().said()
    assert said["size"] == 128 and said["colours"] == "rgb"
    for changes in ({"size": None}, {"size": 256}, {"colours": "bgr"}, {"mode": "quality"}, {"rankings": 4}):
        assert settings(**changes).said() != said


def test_boxes_come_once_and_in_pixels_of_the_image(images):
    for image in images:
        boxes, scores, how, _ = SelectiveSearch(settings())(3, image)
        assert how == "found" and boxes.dtype == scores.dtype == np.float32 and not scores.any()
        assert len(np.unique(boxes, axis=0)) == len(boxes) > 10
        assert (boxes >= 0).all() and (boxes[:, 2:] <= [image.shape[1], image.shape[0]]).all()
        cells = boxes / np.tile([image.shape[1], image.shape[0]], 2) * 128
        np.testing.assert_allclose(cells, cells.round(), atol=1e-4)
        sides = boxes[:, 2:] - boxes[:, :2]
        assert sides.prod(axis=1).min() >= 100 / 128**2 * image[..., 0].size * 0.999


def test_rankings_are_orders_of_the_same_boxes_and_fewer_are_the_first_of_more(images):
    boxes, _, _, orders = SelectiveSearch(settings(rankings=5))(3, images[0])
    fewer, _, _, first = SelectiveSearch(settings(rankings=2))(3, images[0])
    assert len(orders) == 4 and len(first) == 1
    np.testing.assert_array_equal(boxes, fewer)
    np.testing.assert_array_equal(orders[0], first[0])
    everyone = [np.arange(len(boxes)), *orders]
    for i, one in enumerate(everyone):
        assert sorted(one) == list(range(len(boxes)))
        assert not any((one == other).all() for other in everyone[:i])


def test_an_order_says_which_box_stands_at_each_rank(images):
    regions = SelectiveSearch(settings()).regions(images[0])
    drawn = np.random.default_rng(0).random((3, len(regions.levels)))
    boxes, orders = ranked(regions, drawn)
    for order, row in zip([np.arange(len(boxes)), *orders], drawn, strict=True):
        alone, none = ranked(regions, row[None])
        np.testing.assert_array_equal(boxes[order], alone)
        assert none == ()


def test_a_ranking_follows_from_the_image_id_alone(images):
    search = SelectiveSearch(settings())
    seen = {i: search(i, image) for i, image in enumerate(images)}
    for i, image in reversed(list(enumerate(images))):
        seeded(i)  # whatever the C library's numbers are
        again = SelectiveSearch(settings())(i, image)
        np.testing.assert_array_equal(again.boxes_xyxy_px, seen[i].boxes_xyxy_px)
        np.testing.assert_array_equal(again.orders, seen[i].orders)
    other = search(77, images[0]).boxes_xyxy_px
    assert (other != seen[0].boxes_xyxy_px).any()
    assert {tuple(b) for b in other.tolist()} == {tuple(b) for b in seen[0].boxes_xyxy_px.tolist()}


def test_small_regions_come_early_but_not_always(images):
    """Rank = U(0, 1) times level: the first of two regions of levels 1 and 3 comes first 5 times in 6."""
    regions = SelectiveSearch(settings()).regions(images[0])
    two = type(regions)(np.array([[0, 0, 9, 9], [1, 1, 9, 9]], np.int32), np.array([1, 3], np.int32))
    drawn = np.random.default_rng(0).random((6000, 2))
    boxes, orders = ranked(two, drawn)
    firsts = [boxes[order[0], 0] for order in orders]
    assert np.mean(np.array(firsts) == 0) == pytest.approx(5 / 6, abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (2, 300), (31, 7), (80, 120)])
@pytest.mark.parametrize("changes", [{}, {"size": None}, {"size": None, "mode": "quality"}], ids=str)
def test_a_flat_or_tiny_image_is_one_box(size, changes):
    found = SelectiveSearch(settings(**changes))(0, np.full((*size, 3), 128, np.uint8))
    np.testing.assert_allclose(found.boxes_xyxy_px, [[0, 0, size[1], size[0]]], rtol=1e-6)
    assert [order.tolist() for order in found.orders] == [[0], [0]]


def test_segments_are_described_as_a_loop_describes_them():
    rng = np.random.default_rng(4)
    labels = np.repeat(np.repeat(rng.permutation(20).reshape(4, 5), 3, axis=0), 4, axis=1).astype(np.int32)
    found = describe(labels)
    wanted = set()
    for y, x in np.ndindex(labels.shape):
        for dy, dx in ((0, 1), (1, 0), (1, 1)):
            if y + dy < labels.shape[0] and x + dx < labels.shape[1]:
                wanted.add(tuple(sorted((int(labels[y, x]), int(labels[y + dy, x + dx])))))
    assert found.neighbours == sorted(pair for pair in wanted if pair[0] != pair[1])
    assert found.sizes.ravel().tolist() == [12] * 20
    for label, (x0, y0, x1, y1) in enumerate(found.boxes):
        assert (labels[y0:y1, x0:x1] == label).all() and (x1 - x0) * (y1 - y0) == 12


def test_another_process_finds_the_same(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from tests.proposals.test_selective_search import SelectiveSearch, noise, settings\n"
        "found = SelectiveSearch(settings())(5, noise(60, 80))\n"
        "np.savez(sys.argv[1], found.boxes_xyxy_px, *found.orders)"
    )
    path = tmp_path / "there.npz"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=Path(__file__).parents[2])
    here = SelectiveSearch(settings())(5, noise(60, 80))
    with np.load(path) as there:
        for one, other in zip([here.boxes_xyxy_px, *here.orders], there.values(), strict=True):
            np.testing.assert_array_equal(one, other)
