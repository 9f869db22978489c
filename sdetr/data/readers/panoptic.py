"""COCO's panoptic JSON: objects are segments, of things and of stuff, whose pixels are in a PNG per image."""

from pathlib import Path
from typing import Any

from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.readers.coco import load_coco
from sdetr.data.readers.places import all_there, must_exist, refuse_twice
from sdetr.data.settings import DatasetSettings


def read_panoptic(settings: DatasetSettings, name: str, folder: Path) -> Index:
    """Labels are contiguous by ascending official id; crowds are kept. Raises naming file and image."""
    assert settings.panoptic
    root = folder / settings.roots[0]
    path = must_exist(root / settings.panoptic, "panoptic file")
    content = load_coco(path, "panoptic")
    instances = (settings.lists or (f"annotations/instances_{settings.split}.json",))[0]
    must_exist(root / instances, "annotation file")
    try:
        return _index(content, settings, name, root, path, instances)
    except KeyError as error:
        raise ValueError(f"{path}: an image, category, annotation or segment has no {error}") from error


def _index(
    content: dict[str, Any], settings: DatasetSettings, name: str, root: Path, path: Path, instances: str
) -> Index:
    categories = sorted(content["categories"], key=lambda row: row["id"])
    classes = [row["name"] for row in categories]
    refuse_twice(path, "class name", classes)
    refuse_twice(path, "image id", [row["id"] for row in content["images"]])
    refuse_twice(path, "annotation of image id", [row["image_id"] for row in content["annotations"]])
    below, pieces = Path(settings.images), Path(settings.panoptic.removesuffix(".json"))
    all_there(must_exist(root / below, "image folder"), [row["file_name"] for row in content["images"]])
    files = [row["file_name"] for row in content["annotations"]]
    all_there(must_exist(root / pieces, "folder of panoptic masks"), files, "panoptic mask")
    said = {row["image_id"]: row for row in content["annotations"]}
    if lost := [row["id"] for row in content["images"] if row["id"] not in said]:
        raise ValueError(f"{path} lists image {lost[0]}, but has no segments of it ({len(lost)} such images)")
    labels = {row["id"]: label for label, row in enumerate(categories)}
    images, annotations = [], []
    for row in content["images"]:
        file, png = below / row["file_name"], pieces / said[row["id"]]["file_name"]
        images.append(ImageRow(row["id"], file.as_posix(), row["height"], row["width"], png.as_posix()))
        where = f"{path}: image {row['id']}"
        infos = said[row["id"]]["segments_info"]
        refuse_twice(path, f"image {row['id']} with segment id", [info["id"] for info in infos])
        annotations += [_segment(row["id"], info, labels, where) for info in infos]
    things = tuple(bool(row["isthing"]) for row in categories)
    return Index(name, root.absolute(), classes, images, annotations, {}, things, instances)


def _segment(image_id: int, info: dict[str, Any], labels: dict[int, int], where: str) -> Annotation:
    """Its box goes from the first pixel to the last, as in DETR's released code: a pixel less than COCO's."""
    number, box = info["id"], info["bbox"]
    if info["category_id"] not in labels:
        known = sorted(labels)
        raise ValueError(f"{where}: segment {number} has category id {info['category_id']}; known: {known}")
    if not (isinstance(number, int) and 0 < number < 256**3):
        raise ValueError(f"{where}: segment id {number!r}; expected a whole number of three bytes above 0")
    if not (isinstance(box, list) and len(box) == 4 and all(isinstance(v, int | float) for v in box)):
        raise ValueError(f"{where}: segment {number} has bbox {box!r}; expected x, y, width, height")
    x, y, width, height = map(float, box)
    crowd, area = bool(info.get("iscrowd", 0)), float(info["area"])
    corner_and_size = (x, y, width - 1, height - 1)
    return Annotation(image_id, labels[info["category_id"]], corner_and_size, area, crowd, segment=number)
