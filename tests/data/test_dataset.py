"""The data set: the right pixels with the right boxes, whatever layout they came from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sdetr.data.dataset import Dataset
from sdetr.data.embedded.scene import draw_scene
from sdetr.data.index import Index


def test_boxes_hold_their_objects_in_turned_pictures_too(shapes: Path, scenes) -> None:
    settings = scenes("voc")
    dataset = Dataset(shapes / "voc/train.json")
    turned = 0
    for i in range(len(dataset)):
        truth, sample = draw_scene(settings.generate, settings.classes, i), dataset[i]
        boxes = [list(thing.box_xyxy_px) for thing in truth.things]
        assert sample.boxes_xyxy_px.tolist() == boxes
        assert [dataset.classes[k] for k in sample.labels] == [thing.name for thing in truth.things]
        if not truth.gray:  # the decoded pixels in each box are those that were drawn there
            for x0, y0, x1, y1 in boxes:
                shown = sample.image[1, y0:y1, x0:x1].numpy()  # green: JPEG halves the chroma
                drawn = truth.pixels[y0:y1, x0:x1, 1]
                assert np.corrcoef(shown.ravel(), drawn.ravel())[0, 1] > 0.7  # elsewhere: about 0
        turned += truth.orientation > 1
    assert turned > 0


def test_crowd_and_difficult_survive_the_layouts(shapes: Path, scenes) -> None:
    settings = scenes("voc")
    truth = [thing for i in range(24) for thing in draw_scene(settings.generate, settings.classes, i).things]
    voc, coco = (
        list(map(Dataset(shapes / layout / "train.json").__getitem__, range(24)))
        for layout in ("voc", "coco")
    )
    crowd = torch.cat([sample.crowd for sample in coco]).tolist()
    difficult = torch.cat([sample.difficult for sample in voc]).tolist()
    assert crowd == [thing.crowd for thing in truth]
    assert difficult == [thing.difficult or thing.crowd for thing in truth]
    assert sum(crowd) > 0
    assert sum(difficult) > sum(crowd)


def test_coco_and_voc_agree_on_pixels_and_boxes(shapes: Path) -> None:
    voc, coco = (Dataset(shapes / layout / "train.json") for layout in ("voc", "coco"))
    for one, two in zip(map(voc.__getitem__, range(24)), map(coco.__getitem__, range(24)), strict=True):
        assert torch.equal(one.image, two.image)
        assert torch.equal(one.boxes_xyxy_px, two.boxes_xyxy_px)


def test_a_sample_has_the_promised_types_and_what_is_known_without_decoding_agrees(shapes: Path) -> None:
    dataset = Dataset(shapes / "coco/train.json")
    sample = dataset[5]
    assert (sample.image.dtype, sample.boxes_xyxy_px.dtype) == (torch.uint8, torch.float32)
    assert (sample.labels.dtype, sample.crowd.dtype) == (torch.int64, torch.bool)
    assert sample.image_id == dataset.ids[5]
    assert tuple(sample.image.shape[1:]) == dataset.sizes[5]


def test_an_image_without_objects_has_empty_boxes(shapes: Path, tmp_path: Path) -> None:
    index = Index.load(shapes / "voc/train.json")
    Index("x", index.root, index.classes, index.images, []).save(tmp_path / "train.json")
    assert Dataset(tmp_path / "train.json")[0].boxes_xyxy_px.shape == (0, 4)


def test_a_data_set_without_images_is_refused(tmp_path: Path) -> None:
    Index("x", tmp_path, [], [], [], {"no_image": 3}).save(tmp_path / "train.json")
    with pytest.raises(ValueError, match=r"lists no image.*no_image"):
        Dataset(tmp_path / "train.json")
