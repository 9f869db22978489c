"""Boxes lie on the same pixels, whatever frame they were drawn in."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdetr.data.own.examine import read_part
from sdetr.data.own.findings import Findings
from sdetr.data.own.kinds import ERROR, FIX
from sdetr.data.own.measure import object_side_and_ratio
from tests.data.own.tiny import annotations, changed, coco, judged

STORED = (40, 60)
BOX = (10, 4, 20, 30)
"""x, y, width, height of what is black, in every stored image."""


def painted(path: Path, size: tuple[int, int], box: tuple[int, int, int, int], orientation: int = 1) -> None:
    pixels = np.full((*size, 3), 255, np.uint8)
    x, y, width, height = box
    pixels[y : y + height, x : x + width] = 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)


def said(root: Path, size: tuple[int, int], boxes: list[tuple[int, ...]]):
    """Boxes of the first image, whose size the file says; the others have neither."""
    height, width = size
    coco(root)
    rows = [
        {"id": k, "image_id": 1, "category_id": 1, "bbox": list(box), "area": 100, "iscrowd": 0}
        for k, box in enumerate(boxes, 1)
    ]
    image = {"id": 1, "file_name": "0.png", "height": height, "width": width}
    return coco(root, images=[image], annotations=rows)


@pytest.mark.parametrize("orientation", [1, 5, 6, 7, 8])
def test_boxes_of_the_stored_frame_are_on_their_pixels_in_the_displayed_one(
    tmp_path: Path, orientation: int
) -> None:
    settings = said(tmp_path, STORED, [BOX])
    painted(tmp_path / "images/0.png", STORED, BOX, orientation)
    part, found = judged(tmp_path, settings)
    assert ("D10" in found) == (orientation > 1) and {"D03", "D43", "D44"}.isdisjoint(found)
    (annotation,) = part.index.annotations
    x, y, width, height = map(int, annotation.box_xywh_px)
    pixels = part.index.pixels(part.index.images[0])
    assert pixels.shape[:2] == (STORED if orientation == 1 else STORED[::-1])
    assert not pixels[y : y + height, x : x + width].any() and (pixels == 0).sum() == 3 * width * height
    assert annotation.area == 100


@pytest.mark.parametrize("times", [0.25, 0.5, 2, 3])
@pytest.mark.parametrize("orientation", [1, 6])
def test_boxes_of_another_size_are_scaled_with_their_image(
    tmp_path: Path, times: float, orientation: int
) -> None:
    """Whether the images were made smaller or larger."""
    corners = [(0, 0, 8, 8), (52, 32, 8, 8), (8, 12, 20, 16)]
    before = [tuple(int(times * one) for one in box) for box in corners]
    settings = said(tmp_path, (int(times * 40), int(times * 60)), before)
    painted(tmp_path / "images/0.png", STORED, BOX, orientation)
    part, found = judged(tmp_path, settings)
    assert found["D44"].severity == FIX and {"D03", "D09", "D43"}.isdisjoint(found)
    plain = {box: box for box in corners}
    turned = {(x, y, w, h): (40 - y - h, x, h, w) for x, y, w, h in corners}
    expected = plain if orientation == 1 else turned
    assert [one.box_xywh_px for one in part.index.annotations] == [
        pytest.approx(box) for box in expected.values()
    ]
    assert [one.area for one in part.index.annotations] == pytest.approx([100 / times**2] * 3)
    strict = settings.model_copy(update={"strict": True})
    assert judged(tmp_path, strict)[1]["D44"].severity == ERROR


@pytest.mark.parametrize("size", [(80, 120), (20, 30), (0, 0), (60, 40), (41, 60)])
def test_boxes_that_only_the_files_size_can_have_stay(tmp_path: Path, size: tuple[int, int]) -> None:
    boxes = [(0, 0, 8, 8), (51, 31, 8, 8)] if size != (80, 120) else [(0, 0, 8, 8), (50, 30, 8, 8)]
    settings = said(tmp_path, size, boxes)
    painted(tmp_path / "images/0.png", STORED, BOX)
    part, found = judged(tmp_path, settings)
    assert found["D09"].severity == FIX and {"D44", "D45"}.isdisjoint(found)
    assert [one.box_xywh_px for one in part.index.annotations] == boxes


@pytest.mark.parametrize("times", [0.5, 1, 2])
def test_a_study_is_sized_by_objects_as_shares_of_the_image_that_they_are_of(
    tmp_path: Path, times: float
) -> None:
    boxes = [tuple(int(times * one) for one in box) for box in [(0, 0, 8, 8), (52, 32, 8, 8), (2, 2, 8, 8)]]
    settings = said(tmp_path, (int(times * 40), int(times * 60)), boxes)
    painted(tmp_path / "images/0.png", STORED, BOX)
    assert object_side_and_ratio(read_part(settings, tmp_path, Findings()), 1)[0] == pytest.approx(8 / 40)


def test_boxes_of_another_image_are_an_error(tmp_path: Path) -> None:
    settings = said(tmp_path, (100, 100), [(0, 0, 8, 8), (70, 70, 20, 20)])
    painted(tmp_path / "images/0.png", STORED, BOX)
    assert judged(tmp_path, settings)[1]["D45"].severity == ERROR


@pytest.mark.parametrize("box", [[70, 4, 20, 30], [5, 41, 20, 30], [-21, 4, 20, 30], [60, 4, 20, 30]])
def test_a_box_wholly_outside_is_lost_and_counts_as_that(tmp_path: Path, box: list[int]) -> None:
    part, found = judged(tmp_path, changed(tmp_path, 0, bbox=box))
    assert "D03" not in found and str(found["D43"]).startswith("D43 left out: ")
    assert part.index.funnel["boxes"] == 7 and "1 of 8" in str(found["D41"])


@pytest.mark.parametrize("box", [[70, 50, 20, 30], [-30, -20, 20, 10], [5, 4, 200, 300]])
def test_most_that_fit_in_no_form_are_told_as_that(tmp_path: Path, box: list[int]) -> None:
    coco(tmp_path)
    rows = annotations(tmp_path)
    for wrong, told in ((4, False), (5, True), (8, True)):
        said = [row | ({"bbox": box} if n < wrong else {}) for n, row in enumerate(rows)]
        _, found = judged(tmp_path, coco(tmp_path, annotations=said))
        assert ("no other form fits" in str(found.get("D04"))) == told


@pytest.mark.parametrize("wrong", [1, 2, 4])
def test_few_that_do_not_fit_are_told_with_the_form_that_does(tmp_path: Path, wrong: int) -> None:
    """Corners where sizes are expected: boxes near the origin fit either way."""
    coco(tmp_path)
    rows = annotations(tmp_path)
    for n, row in enumerate(rows):
        row["bbox"] = [30, 20, 55, 38] if n < wrong else [5, 4, 25, 34]
    _, found = judged(tmp_path, coco(tmp_path, annotations=rows))
    assert "100% fit if read as xyxy" in str(found["D04"])
    for row in rows[:wrong]:
        row["bbox"] = [5, 4, 60, 34]  # as sizes and as corners these stick out, or not, alike
    for row in rows[wrong:]:
        row["bbox"] = [30, 20, 25, 10]
    assert "D04" not in judged(tmp_path, coco(tmp_path, annotations=rows))[1]
