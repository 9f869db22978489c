"""A folder that is there is found however it is given, linked, and never written to."""

import re
from pathlib import Path
from typing import Any

import pytest

from sdetr.data.fetching.fetch import fetch, link
from tests.data.fetching.small import COCO, IMAGENET, VOC07, VOC0712, classes, coco, settings, snapshot, voc


@pytest.mark.parametrize(
    "given", [".", "VOCdevkit", "VOCdevkit/VOC2007", "VOCdevkit/VOC2007/JPEGImages", ".."]
)
def test_a_voc_folder_is_found_from_above_and_below(tmp_path: Path, given: str) -> None:
    home = tmp_path / "there/data"
    year = voc(home / "VOCdevkit/VOC2007", "trainval", "a", "b")
    before = snapshot(home)
    wanted = settings(VOC07, expected_images=2)
    if given in ("..", "VOCdevkit/VOC2007/JPEGImages"):
        year = home / "VOCdevkit/VOC2007"
    assert link(wanted, "mine", tmp_path / "raw", [home / given]) == 2
    linked = tmp_path / "raw/mine/VOCdevkit/VOC2007"
    assert linked.is_symlink() and linked.samefile(year)
    assert fetch(wanted, "mine", tmp_path / "raw") == 2
    assert snapshot(home) == before


def test_two_years_are_found_in_one_folder_or_in_two(tmp_path: Path) -> None:
    voc(tmp_path / "one/VOC2007", "trainval", "a")
    voc(tmp_path / "two/sub/VOC2012", "trainval", "b", "c")
    with pytest.raises(
        FileNotFoundError, match=r"no VOCdevkit/VOC2012 in, above .*/one holds VOC2007; register"
    ):
        link(settings(VOC0712, ask="register"), "x", tmp_path / "raw", [tmp_path / "one"])
    assert not (tmp_path / "raw/x").exists()
    assert link(settings(VOC0712), "x", tmp_path / "raw", [tmp_path / "one", tmp_path / "two"]) == 3


def test_one_year_is_never_taken_for_another(tmp_path: Path) -> None:
    voc(tmp_path / "VOC2012", "trainval", "a")
    with pytest.raises(FileNotFoundError, match="no VOCdevkit/VOC2007"):
        link(settings(VOC0712), "x", tmp_path / "raw", [tmp_path / "VOC2012"])
    with pytest.raises(ValueError, match=r"1 images in .*VOC2012/JPEGImages, expected 5011"):
        link(settings(VOC07, expected_images=5011), "x", tmp_path / "raw", [tmp_path / "VOC2012"])
    assert not (tmp_path / "raw/x").exists()


@pytest.mark.parametrize("given", ["coco", "coco/train2017", "."])
def test_cocos_folders_are_linked_one_by_one(tmp_path: Path, given: str) -> None:
    home = coco(tmp_path / "mine/coco", "1", "2")
    assert link(settings(COCO, expected_images=2), "x", tmp_path / "raw", [tmp_path / "mine" / given]) == 2
    assert {path.name: path.readlink() for path in (tmp_path / "raw/x").iterdir()} == {
        "annotations": home / "annotations",
        "train2017": home / "train2017",
    }


@pytest.mark.parametrize("given", ["imagenet", "imagenet/train", "elsewhere"])
def test_an_image_folder_is_found_by_name_or_is_the_one_given(tmp_path: Path, given: str) -> None:
    classes(tmp_path / "imagenet/train", "n01", "n02")
    classes(tmp_path / "elsewhere", "n01", "n02", "n03")
    wanted = settings(IMAGENET, only=["n01", "n02"], expected_images=2)
    assert link(wanted, "x", tmp_path / "raw", [tmp_path / given]) == 2
    where = "elsewhere" if given == "elsewhere" else "imagenet/train"
    assert (tmp_path / "raw/x/train").readlink() == tmp_path / where


def test_what_is_missing_is_named_with_what_is_there_and_where_to_get_it(tmp_path: Path) -> None:
    year = voc(tmp_path / "VOCdevkit/VOC2007", "val", "a")
    archive = {"url": "https://host/a.tar", "into": "VOCdevkit/VOC2007"}
    said = (
        r"VOC2007 has no ImageSets/Main/trainval.txt, it holds val.txt; "
        r"`sdetr fetch x` alone downloads it, from https://host/a.tar"
    )
    with pytest.raises(FileNotFoundError, match=said):
        link(settings(VOC07, fetch=[archive]), "x", tmp_path / "raw", [year.parent])
    (year / "ImageSets/Main/trainval.txt").write_text("a\nb\n")
    with pytest.raises(
        FileNotFoundError, match=r"1 of the 2 images .* not in .*VOC2007/Annotations, .* first is b"
    ):
        link(settings(VOC07), "x", tmp_path / "raw", [year])
    assert not (tmp_path / "raw/x").exists()


def test_what_stands_in_the_place_is_not_replaced_but_a_dead_link_is(tmp_path: Path) -> None:
    one, two = (voc(tmp_path / name / "VOC2007", "trainval", "a") for name in ("one", "two"))
    wanted, raw = settings(VOC07), tmp_path / "raw"
    place = raw / "x/VOCdevkit/VOC2007"
    for _ in range(2):
        assert link(wanted, "x", raw, [one]) == 1
    with pytest.raises(
        FileExistsError, match=re.escape(f"{place} is a link to {one}; remove it first if {two}")
    ):
        link(wanted, "x", raw, [two])
    one.rename(tmp_path / "gone")
    assert link(wanted, "x", raw, [two]) == 1
    assert place.readlink() == two
    place.unlink()
    voc(place, "trainval", "own")
    with pytest.raises(FileExistsError, match="VOC2007 is there already; remove it first"):
        link(wanted, "x", raw, [two])
    with pytest.raises(ValueError, match="is where the links would lie"):
        link(wanted, "x", raw, [raw / "x/VOCdevkit"])


@pytest.mark.parametrize(
    ("made", "said"), [(None, "does not exist"), ("file", "is a file; unpack it and give the folder")]
)
def test_what_is_no_folder_is_said_so(tmp_path: Path, made: str | None, said: str) -> None:
    if made:
        (tmp_path / "a.tar").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=rf"--from .*a\.tar {said}"):
        link(settings(VOC07), "x", tmp_path / "raw", [tmp_path / "a.tar"])


def test_a_relative_folder_is_meant_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voc(tmp_path / "VOC2007", "trainval", "a")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert link(settings(VOC07), "x", Path("raw"), [Path("..")]) == 1
    assert Path("raw/x/VOCdevkit/VOC2007").samefile(tmp_path / "VOC2007")


@pytest.mark.parametrize("base", [IMAGENET | {"roots": ["."]}, COCO | {"images": ""}])
def test_the_folder_of_the_index_cannot_be_a_link(tmp_path: Path, base: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"roots: found '\.', .* for example `roots: \[images\]`"):
        link(settings(base), "x", tmp_path / "raw", [coco(tmp_path / "coco")])
