"""Rows of a COCO file are of the images that they name, and of no others."""

from itertools import combinations
from pathlib import Path

import pytest

from sdetr.data.own.kinds import ERROR, FIX, SKIP
from tests.data.own.tiny import annotations, coco, judged, picture


def listed(root: Path, names: list[str], there: list[str]):
    """Settings of a file that lists images by name, a box each; other images are there."""
    for n, name in enumerate(there):
        picture(root / "images" / name, seed=n)
    rows = [{"id": n, "file_name": name} for n, name in enumerate(names, 1)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": [n, 4, 20, 30]} for n in range(1, len(rows) + 1)
    ]
    settings = coco(root, images=rows, annotations=boxes)
    for path in (root / "images").glob("*.jpg"):
        if path.name not in there:
            path.unlink()
    return settings.model_copy(update={"most_left_out": 1.0})


ALL = ["cam1/0.jpg", "cam2/0.jpg", "cam3/0.jpg"]


@pytest.mark.parametrize("there", [list(some) for k in (1, 2, 3) for some in combinations(ALL, k)])
@pytest.mark.parametrize("names", [ALL, ALL[:2], ALL[1:]])
def test_a_folder_in_a_name_is_never_another_folder(
    tmp_path: Path, names: list[str], there: list[str]
) -> None:
    part, found = judged(tmp_path, listed(tmp_path, names, there))
    boxes = {row.id: row.file for row in part.index.images}
    got = {boxes[one.image_id]: one.box_xywh_px[0] for one in part.index.annotations}
    assert got == {f"images/{name}": n for n, name in enumerate(names, 1) if name in there}
    gone = len(set(names) - set(there))
    assert (found["D12"].severity, found["D12"].count) == (SKIP, gone) if gone else "D12" not in found


@pytest.mark.parametrize("said", ["C:\\export\\a\\0.jpg", "/home/me/a/0.jpg", "0.jpg", "../../a/0.jpg"])
def test_paths_of_another_machine_end_alike(tmp_path: Path, said: str) -> None:
    part, found = judged(tmp_path, listed(tmp_path, [said], ["a/0.jpg", "a/1.jpg"]))
    assert [row.file for row in part.index.images] == ["images/a/0.jpg"]
    assert "D11" in found or said == "0.jpg"
    assert all(one.severity == FIX for one in found.values() if one.code == "D11")


@pytest.mark.parametrize("names", [["0.jpg", "0.jpg"], ["x/0.jpg", "y/0.jpg"]])
def test_two_rows_of_one_image_are_an_error(tmp_path: Path, names: list[str]) -> None:
    part, found = judged(tmp_path, listed(tmp_path, names, ["0.jpg"]))
    assert (found["D14"].severity, found["D14"].count) == (ERROR, 2)
    assert "as 2 images of the file are" in str(found["D14"]) and not part.index.annotations


def test_a_row_that_has_the_image_by_its_whole_name_has_it(tmp_path: Path) -> None:
    part, found = judged(tmp_path, listed(tmp_path, ["0.jpg", "x/0.jpg"], ["0.jpg"]))
    assert [one.box_xywh_px[0] for one in part.index.annotations] == [1]
    assert [str(place) for place in found["D12"].places] == ["train.json: image 2 x/0.jpg"]


@pytest.mark.parametrize("bad", [{"id": 2}, {"id": 2, "name": None}, {"id": 2, "name": ""}, "dog", None])
def test_a_category_without_a_name_is_told_with_its_place(tmp_path: Path, bad: object) -> None:
    _, found = judged(tmp_path, coco(tmp_path, categories=[{"id": 1, "name": "cat"}, bad]))
    assert found["D25"].severity == ERROR and "train.json: category 2 of the list" in str(found["D25"])


@pytest.mark.parametrize("bad", [{"id": 9}, "0.jpg", None])
def test_an_image_without_a_name_is_told_with_its_place(tmp_path: Path, bad: object) -> None:
    coco(tmp_path)
    rows = [{"id": n + 1, "file_name": f"{n}.jpg"} for n in range(4)]
    _, found = judged(tmp_path, coco(tmp_path, images=[*rows, bad], annotations=annotations(tmp_path)))
    assert found["D25"].severity == ERROR and "train.json: image 5 of the list" in str(found["D25"])
