"""Panoptic data sets: segments as objects, and which object every pixel of a training image shows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

from sdetr.data.dataset import Dataset
from sdetr.data.index import Index
from sdetr.data.loader import TrainBatches, test_views
from sdetr.data.prepare import prepare
from sdetr.data.settings import AugmentSettings, DatasetSettings, ResizeSettings
from sdetr.data.sizes import Change
from sdetr.data.transforms import Targeted, changed, crop, flip, nearest, resize
from sdetr.training.update import split

PANOPTIC = "annotations/panoptic_train2017.json"
AUGMENT = {"flip": 0.5, "short": [40, 48], "longest": 64}
AUGMENT |= {"crop": {"probability": 0.5, "short": [50], "side": [30, 45]}}


@pytest.fixture(scope="module")
def index(shapes: Path, scenes: Any) -> Path:
    path = shapes / "panoptic/train.json"
    prepare(scenes("coco").model_copy(update={"panoptic": PANOPTIC}), "panoptic", path)
    return path


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(np.int64) @ [1, 256, 65536]


def test_objects_are_segments_of_things_and_stuff_with_contiguous_labels(index: Path) -> None:
    found, content = Index.load(index), json.loads((index.parent / "generated-train" / PANOPTIC).read_text())
    kinds = sorted(content["categories"], key=lambda row: row["id"])
    assert found.classes == [row["name"] for row in kinds]
    assert found.things == tuple(bool(row["isthing"]) for row in kinds)
    assert (len(found.things), sum(found.things)) == (9, 4)
    label = {row["id"]: n for n, row in enumerate(kinds)}
    expected = {
        (row["image_id"], info["id"], label[info["category_id"]], bool(info["iscrowd"]), float(info["area"]))
        for row in content["annotations"]
        for info in row["segments_info"]
    }
    rows = found.annotations
    assert {(a.image_id, a.segment, a.label, a.crowd, a.area) for a in rows} == expected
    assert len(rows) == len(expected) == found.funnel["boxes_found"]


def test_a_box_goes_from_the_first_pixel_of_its_segment_to_the_last(index: Path) -> None:
    found = Index.load(index)
    ids = {row.id: pixels(found.root / row.segments) for row in found.images}
    for row in found.annotations:
        ys, xs = np.nonzero(ids[row.image_id] == row.segment)
        x, y, width, height = row.box_xywh_px
        assert (x, y, x + width, y + height) == (xs.min(), ys.min(), xs.max(), ys.max())
        assert row.area == len(xs)


def test_updetr_t20_crowds_are_learned_and_detection_leaves_them_out(index: Path, shapes: Path) -> None:
    augment = AugmentSettings.model_validate({"flip": 0, "short": [64], "longest": 80})
    for path, kept in ((index, True), (shapes / "coco/train.json", False)):
        dataset = Dataset(path)
        samples = {sample.image_id: sample for sample in map(dataset.__getitem__, range(len(dataset)))}
        assert any(sample.crowd.any() for sample in samples.values())
        view = TrainBatches(dataset, augment, len(dataset), seed=0)[0]
        for image_id, labels in zip(view.image_ids, view.labels, strict=True):
            sample = samples[image_id]
            assert len(labels) == (len(sample.labels) if kept else int((~sample.crowd).sum()))


def test_every_pixel_of_a_sample_shows_the_object_that_its_segment_is(index: Path) -> None:
    found, dataset = Index.load(index), Dataset(index, pixels=True)
    assert Dataset(index)[0].shown is None
    for i, row in enumerate(found.images):
        mine = [a for a in found.annotations if a.image_id == row.id]
        ids, shown = pixels(found.root / row.segments), dataset[i].shown
        assert shown is not None and shown.dtype == torch.int16 and len(mine) == len(dataset[i].labels)
        for number, annotation in enumerate(mine):
            assert np.array_equal(shown.numpy() == number, ids == annotation.segment)


def test_a_segment_one_pixel_wide_is_true_but_no_target(index: Path, tmp_path: Path) -> None:
    found = Index.load(index)
    rows = [a if n else a._replace(box_xywh_px=(3.0, 4.0, 0.0, 5.0)) for n, a in enumerate(found.annotations)]
    thin = Index(found.dataset, found.root, found.classes, found.images, rows, found.funnel, found.things)
    thin.save(tmp_path / "thin.json")
    assert len(Index.load(tmp_path / "thin.json").annotations) == len(rows)
    one, whole = Dataset(tmp_path / "thin.json", pixels=True), Dataset(index, pixels=True)
    i = one.ids.index(rows[0].image_id)
    assert len(one[i].labels) == len(whole[i].labels) - 1
    shown, before = one[i].shown, whole[i].shown
    assert shown is not None and before is not None
    assert torch.equal(shown, before - 1)  # the first object's pixels show nothing now


def looks(seed: int, size: tuple[int, int] = (40, 50)) -> Targeted:
    """An image whose colour says which object a pixel shows."""
    rng = np.random.default_rng(seed)
    shown = torch.full(size, -1, dtype=torch.int16)
    boxes = []
    for number in range(4):
        y, x = (int(rng.integers(side - 12)) for side in size)
        shown[y : y + 12, x : x + 10] = number
        boxes.append([x, y, x + 10, y + 12])
    image = (shown + 1).to(torch.uint8).expand(3, -1, -1)
    return Targeted(image, torch.tensor(boxes, dtype=torch.float32), torch.arange(4), shown)


@pytest.mark.parametrize("seed", range(4))
def test_pixels_and_what_they_show_are_flipped_and_cut_alike(seed: int) -> None:
    item = looks(seed)
    assert torch.equal(flip(item).shown + 1, flip(item).image[0])
    window = (seed * 7, 5, 20, 22)
    cut = crop(item, window)
    assert cut.shown is not None and item.shown is not None
    inside = item.shown[5:27, window[0] : window[0] + 20]
    assert cut.shown.shape == inside.shape
    for number in range(4):
        place = cut.labels.tolist().index(number) if number in cut.labels else None
        if place is None:
            assert not (inside == number).any()
        else:
            assert torch.equal(cut.shown == place, inside == number)
    assert torch.equal(cut.shown == -1, inside == -1)


@pytest.mark.parametrize("size", [(40, 50), (64, 37), (13, 90), (80, 100)])
def test_what_pixels_show_is_resized_to_the_nearest(size: tuple[int, int]) -> None:
    item = looks(0)
    shown = resize(item, size).shown
    expected = interpolate(item.shown[None, None].double(), size, mode="nearest")[0, 0]
    assert shown is not None and torch.equal(shown.double(), expected)
    assert torch.equal(nearest(item.shown, item.size), item.shown)


def test_a_change_is_flip_resize_cut_resize_of_what_pixels_show(index: Path) -> None:
    sample = Dataset(index, pixels=True)[2]
    item = Targeted(sample.image, sample.boxes_xyxy_px, sample.labels, sample.shown)
    change = Change(True, (50, 60), (3, 4, 40, 30), (45, 61))
    done = changed(item, change)
    expected = resize(crop(resize(flip(item), (50, 60)), (3, 4, 40, 30)), (45, 61))
    assert done.shown is not None and torch.equal(done.shown, expected.shown)
    assert done.shown.max() < len(done.labels)


def test_a_batch_tells_what_its_pixels_show_and_padding_shows_nothing(index: Path) -> None:
    batches = TrainBatches(Dataset(index, pixels=True), AugmentSettings.model_validate(AUGMENT), 6, seed=1)
    plain = TrainBatches(Dataset(index), AugmentSettings.model_validate(AUGMENT), 6, seed=1)
    for step in range(4):
        view, without = batches[step], plain[step]
        assert without.shown is None and view.shown is not None
        assert torch.equal(view.images, without.images) and view.image_ids == without.image_ids
        assert view.shown.shape == view.padding.shape
        assert (view.shown[view.padding] == -1).all() and view.padding.any()
        for labels, shown in zip(view.labels, view.shown, strict=True):
            assert shown.min() >= -1 and shown.max() < len(labels)
        halves = split(view, 3)
        assert torch.equal(torch.cat([half.shown for half in halves if half.shown is not None]), view.shown)
    view, _ = next(test_views(Dataset(index, pixels=True), ResizeSettings(short=40, longest=64)))
    assert view.shown is None


def broken(folder: Path, change: Any) -> DatasetSettings:
    """A data set of one image, whose panoptic JSON is changed."""
    pieces = folder / "annotations/panoptic"
    pieces.mkdir(parents=True)
    (folder / "images").mkdir()
    Image.new("RGB", (8, 6)).save(folder / "images/1.jpg")
    Image.new("RGB", (8, 6), (7, 0, 0)).save(pieces / "1.png")
    (folder / "annotations/instances.json").write_text("{}")
    info = {"id": 7, "category_id": 3, "bbox": [0, 0, 8, 6], "area": 48, "iscrowd": 0}
    content: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "1.jpg", "height": 6, "width": 8}],
        "annotations": [{"image_id": 1, "file_name": "1.png", "segments_info": [info]}],
        "categories": [{"id": 3, "name": "sky", "isthing": 0}],
    }
    change(content, info)
    (folder / "annotations/panoptic.json").write_text(json.dumps(content))
    said = {"layout": "coco", "split": "train", "roots": ["."], "images": "images"}
    said |= {"lists": ["annotations/instances.json"], "panoptic": "annotations/panoptic.json"}
    return DatasetSettings.model_validate(said)


def test_a_segment_one_pixel_wide_stays_in_the_index(tmp_path: Path) -> None:
    prepare(broken(tmp_path, lambda c, info: info.update(bbox=[2, 0, 1, 6])), "x", tmp_path / "train.json")
    found = Index.load(tmp_path / "train.json")
    assert [a.box_xywh_px for a in found.annotations] == [(2, 0, 0, 5)]
    assert found.funnel["degenerate"] == 1


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda c, info: info.update(category_id=4), r"image 1: segment 7 has category id 4; known: \[3\]"),
        (lambda c, info: info.update(id=0), "image 1: segment id 0; expected a whole number of three bytes"),
        (lambda c, info: info.update(bbox=[1, 2]), r"segment 7 has bbox \[1, 2\]; expected x, y, width"),
        (
            lambda c, info: c["annotations"].clear(),
            r"panoptic\.json lists image 1, but has no segments of it",
        ),
        (
            lambda c, info: c["annotations"][0]["segments_info"].append(info),
            "image 1 with segment id 7 2 times",
        ),
        (lambda c, info: c["annotations"][0].update(file_name="2.png"), "1 of 1 panoptic masks are not in"),
        (lambda c, info: c["categories"][0].pop("isthing"), r"panoptic\.json: an image.* has no 'isthing'"),
        (lambda c, info: c.pop("categories"), r"has no categories; expected a COCO panoptic file"),
    ],
)
def test_what_is_wrong_with_segments_is_said(tmp_path: Path, change: Any, said: str) -> None:
    settings = broken(tmp_path, change)
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        prepare(settings, "x", tmp_path / "train.json")


def test_boxes_alone_have_no_pixels(shapes: Path) -> None:
    with pytest.raises(ValueError, match=r"train\.json has no segments; say `panoptic:`"):
        Dataset(shapes / "coco/train.json", pixels=True)
    assert '"isthing"' not in (shapes / "coco/train.json").read_text()
