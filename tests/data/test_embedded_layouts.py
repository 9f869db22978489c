"""The files that the generator writes, read again by means that are not ours."""

import json
import os
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageOps
from pycocotools.coco import COCO

from sdetr.data.embedded.classes import COCO_IDS, STUFF
from sdetr.data.embedded.generate import generate
from sdetr.data.embedded.picture import save_picture
from sdetr.data.embedded.scene import Scene, draw_scene
from sdetr.data.images import read_image
from sdetr.data.settings import DatasetSettings, ScenesSettings


def scene(settings: DatasetSettings, i: int) -> Scene:
    assert isinstance(settings.generate, ScenesSettings)
    return draw_scene(settings.generate, settings.classes, i)


def test_pycocotools_reads_the_coco_layout_and_finds_the_masks(shapes: Path, scenes) -> None:
    coco = COCO(shapes / "coco/generated-train/annotations/instances_train2017.json")
    settings = scenes("coco")
    assert len(coco.getImgIds()) == 24
    crowds = 0
    for i, image_id in enumerate(sorted(coco.getImgIds())):
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[image_id]))
        for row, thing in zip(annotations, scene(settings, i).things, strict=True):
            mask = coco.annToMask(row).astype(bool)
            assert np.array_equal(mask, thing.mask)
            assert row["area"] == mask.sum()
            assert coco.loadCats([row["category_id"]])[0]["name"] == thing.name
            assert row["iscrowd"] == thing.crowd
            crowds += row["iscrowd"]
    assert crowds > 0


def test_panoptic_pngs_agree_with_their_json_and_cover_every_pixel(shapes: Path) -> None:
    folder = shapes / "coco/generated-train/annotations"
    content = json.loads((folder / "panoptic_train2017.json").read_text())
    stuff = {row["id"] for row in content["categories"] if not row["isthing"]}
    assert stuff == {s.official_id for s in STUFF}
    seen = set()
    for row in content["annotations"]:
        rgb = np.asarray(Image.open(folder / "panoptic_train2017" / row["file_name"])).astype(int)
        ids = rgb @ [1, 256, 65536]
        segments = {segment["id"]: segment for segment in row["segments_info"]}
        assert set(np.unique(ids)) == set(segments)
        for number, segment in segments.items():
            assert (ids == number).sum() == segment["area"]
            seen.add(segment["category_id"])
    assert stuff <= seen


def test_voc_files_hold_one_based_corners_of_the_drawn_boxes(shapes: Path, scenes) -> None:
    root = shapes / "voc/generated-train/VOCdevkit/VOC2012"
    settings = scenes("voc")
    stems = (root / "ImageSets/Main/train.txt").read_text().split()
    difficult = 0
    for i, stem in enumerate(stems):
        tree = ElementTree.parse(root / "Annotations" / f"{stem}.xml")
        assert [tree.findtext(f"size/{side}") for side in ("width", "height")] == ["80", "64"]
        for node, thing in zip(tree.iterfind("object"), scene(settings, i).things, strict=True):
            corners = [int(node.findtext(f"bndbox/{c}", "")) for c in ("xmin", "ymin", "xmax", "ymax")]
            x0, y0, x1, y1 = thing.box_xyxy_px
            assert corners == [x0 + 1, y0 + 1, x1, y1]
            assert node.findtext("difficult") == str(int(thing.difficult or thing.crowd))
            difficult += thing.difficult
    assert difficult > 0


def test_turned_and_gray_pictures_are_stored_so_and_shown_upright(shapes: Path, scenes) -> None:
    settings = scenes("voc")
    files = sorted((shapes / "voc/generated-train").rglob("*.jpg"))
    turned = gray = 0
    for i, file in enumerate(files):
        truth = scene(settings, i)
        with Image.open(file) as image:
            assert (image.mode == "L") == truth.gray
            assert image.getexif().get(0x0112, 1) == truth.orientation
            theirs = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        ours = read_image(file)
        assert np.array_equal(ours, theirs)
        if not truth.gray:
            assert np.abs(ours.astype(int) - truth.pixels).mean() < 8
        turned, gray = turned + (truth.orientation > 1), gray + truth.gray
    assert turned > 0
    assert gray > 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_back_upright(orientation: int, tmp_path: Path) -> None:
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:8, :12] = 255  # only the upper left is light
    pixels[16:, 28:, 0] = 255
    save_picture(tmp_path / "x.jpg", pixels, orientation=orientation)
    assert np.abs(read_image(tmp_path / "x.jpg").astype(int) - pixels).mean() < 12


def test_what_is_drawn_already_is_not_drawn_again_unless_settings_change(scenes, tmp_path: Path) -> None:
    generate(scenes("voc", images=3), "x", tmp_path)
    picture = tmp_path / "generated-train/VOCdevkit/VOC2012/JPEGImages/2012_000001.jpg"
    os.utime(picture, (1, 1))
    generate(scenes("voc", images=3), "x", tmp_path)
    assert picture.stat().st_mtime == 1
    generate(scenes("voc", images=4), "x", tmp_path)
    assert picture.stat().st_mtime > time.time() - 60
    assert len(list(picture.parent.iterdir())) == 4


def test_a_kill_while_drawing_leaves_nothing_that_is_taken_for_whole(
    scenes, tmp_path: Path, monkeypatch
) -> None:
    import sdetr.data.embedded.generate as module

    def die(*_: object) -> None:
        (tmp_path / ".generated-train.new" / "half").write_text("")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_voc", die)
        with pytest.raises(KeyboardInterrupt):
            generate(scenes("voc", images=2), "x", tmp_path)
    assert not (tmp_path / "generated-train").exists()
    generate(scenes("voc", images=2), "x", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["generated-train"]
    assert not (tmp_path / "generated-train/half").exists()


def test_an_unknown_class_is_refused_with_the_nearest(scenes, tmp_path: Path) -> None:
    wrong = scenes("voc").model_copy(update={"classes": ("striped-dics",)})
    with pytest.raises(ValueError, match="cannot draw 'striped-dics', do you mean 'striped-disc'"):
        generate(wrong, "x", tmp_path)
    assert "striped-disc" in COCO_IDS
