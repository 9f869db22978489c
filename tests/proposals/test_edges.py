"""Edge maps: thin, scaled, oriented as OpenCV's own, and chosen once."""

import logging

import numpy as np
import pytest

from sdetr.proposals.edges import Forest, Gradients, choose_edges


def ramp(degrees: float, side: int = 64) -> np.ndarray:
    """A soft step whose normal has this angle; x to the right, y down."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.3
    across = x * np.cos(np.deg2rad(degrees)) + y * np.sin(np.deg2rad(degrees))
    return np.repeat((200 / (1 + np.exp(-across)) + 20).astype(np.uint8)[..., None], 3, axis=2)


def inner(array: np.ndarray) -> np.ndarray:
    return array[12:-12, 12:-12]


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 110, 135, 160])
def test_the_orientation_is_the_angle_of_the_edges_normal(degrees):
    strength, orientation = map(inner, Gradients()(ramp(degrees)))
    there = orientation[strength > 0.5]
    away = np.abs((there - np.deg2rad(degrees) + np.pi / 2) % np.pi - np.pi / 2)
    assert np.rad2deg(away).max() < 4
    assert orientation.min() >= 0 and orientation.max() <= np.float32(np.pi)


@pytest.mark.parametrize("degrees", [45, 60, 120, 135])
def test_the_orientation_follows_opencvs_convention(forest, degrees):
    import cv2

    strength, orientation = Gradients()(ramp(degrees))
    smooth = cv2.GaussianBlur(strength, (0, 0), 2)  # what a forest answers is a soft ridge
    theirs = cv2.ximgproc.createStructuredEdgeDetection(str(forest)).computeOrientation(smooth)
    on_edge = inner(strength) > 0.5
    away = np.abs((inner(orientation) - inner(theirs) + np.pi / 2) % np.pi - np.pi / 2)[on_edge]
    assert np.rad2deg(np.median(away)) < 20  # theirs is coarse: it takes tan² for tan
    wrong = np.abs((inner(orientation) - (np.pi - inner(theirs)) + np.pi / 2) % np.pi - np.pi / 2)[on_edge]
    assert np.median(away) < np.median(wrong)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 150])
def test_an_edge_is_thin_and_goes_up_to_one(degrees):
    strength, _ = Gradients()(ramp(degrees))
    assert strength.dtype == np.float32 and strength.min() == 0 and strength.max() == 1
    across = (inner(strength) > 0.1).sum(axis=0 if 45 < degrees < 135 else 1)
    assert across.mean() <= 2


def test_a_colour_that_gray_does_not_show_is_an_edge():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :20], image[:, 20:] = (200, 0, 0), (0, 102, 0)  # equal luma
    strength, _ = Gradients()(image)
    assert strength[20, 18:22].max() == 1


@pytest.mark.parametrize("gray", [0, 7, 255])
def test_a_flat_image_has_no_edges(gray):
    strength, _ = Gradients()(np.full((30, 50, 3), gray, np.uint8))
    assert strength.max() < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 40)])
def test_tiny_images_are_images(size):
    strength, orientation = Gradients()(
        np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    )
    assert strength.shape == orientation.shape == size and np.isfinite(strength).all()


def test_a_present_forest_is_taken_by_auto_and_told_by_its_digest(edgeboxes, forest, caplog):
    caplog.set_level(logging.INFO)
    edges = choose_edges(edgeboxes("edgeboxes"), forest.parent)
    assert edges.about["edges"] == "structured" and len(edges.about["model"]) == 64
    assert len(caplog.records) == 1 and str(forest) in caplog.text


def test_an_absent_forest_is_replaced_by_gradients_in_one_line(edgeboxes, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert choose_edges(edgeboxes("edgeboxes"), tmp_path).about == {"edges": "gradient"}
    assert len(caplog.records) == 1
    assert "image gradients" in caplog.text and str(tmp_path / "model.yml.gz") in caplog.text


def test_gradients_are_taken_when_asked_for_though_a_forest_is_there(edgeboxes, forest):
    assert choose_edges(edgeboxes("edgeboxes", edges="gradient"), forest.parent).about["edges"] == "gradient"


def test_fault_62_a_wanted_forest_that_is_absent_is_an_error_with_file_address_and_place(edgeboxes, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        choose_edges(edgeboxes("edgeboxes", edges="structured"), tmp_path)
    assert str(tmp_path / "model.yml.gz") in str(caught.value)
    assert "https://github.com/opencv/opencv_extra/" in str(caught.value)
    assert "edges: gradient" in str(caught.value)


def test_a_wanted_forest_without_a_name_is_an_error(edgeboxes, tmp_path):
    with pytest.raises(FileNotFoundError, match="names no `model`"):
        choose_edges(edgeboxes("edgeboxes", edges="structured", model=""), tmp_path)


def test_an_absolute_model_needs_no_downloads(edgeboxes, forest, tmp_path):
    assert choose_edges(edgeboxes("edgeboxes", model=str(forest)), tmp_path).about["edges"] == "structured"


def test_a_broken_forest_is_named(edgeboxes, tmp_path):
    (tmp_path / "model.yml.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"model\.yml\.gz is no structured forest"):
        choose_edges(edgeboxes("edgeboxes"), tmp_path)


def test_the_forest_answers_with_thin_edges_where_the_image_has_some(forest):
    image = np.full((96, 128, 3), 50, np.uint8)
    image[30:70, 40:90] = 200
    strength, orientation = Forest(forest)(image)
    assert strength.shape == orientation.shape == (96, 128)
    assert strength.dtype == orientation.dtype == np.float32
    assert 0 < (strength > 0).mean() < 0.5 and strength[:8, :8].max() == 0


class Spy:
    """A forest that remembers what it is asked, and answers with what can be told apart."""

    def __init__(self):
        self.asked = []

    def detectEdges(self, image):  # noqa: N802
        self.asked.append(image)
        return np.full(image.shape[:2], 0.5, np.float32)

    def computeOrientation(self, edges):  # noqa: N802
        return edges + 1

    def edgesNms(self, edges, orientation):  # noqa: N802
        return edges * orientation


def test_the_forest_sees_rgb_in_0_to_1_and_its_edges_are_thinned_by_it(forest):
    edges = Forest(forest)
    edges._forest = spy = Spy()
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3)).astype(np.uint8)
    strength, orientation = edges(image)
    assert spy.asked[0].dtype == np.float32
    np.testing.assert_allclose(spy.asked[0], image / 255.0, rtol=1e-6)
    assert (orientation == 1.5).all() and (strength == 0.75).all()


def test_the_forest_answers_the_same_whatever_it_saw_before(forest):
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (40 + 7 * i, 60, 3)).astype(np.uint8) for i in range(4)]
    edges = Forest(forest)
    seen = [edges(image) for image in images]
    for image, before in zip(reversed(images), reversed(seen), strict=True):
        for other in (edges(image), Forest(forest)(image)):
            np.testing.assert_array_equal(before.strength, other.strength)
            np.testing.assert_array_equal(before.orientation, other.orientation)
