"""COCO: one instances JSON; labels become contiguous by ascending official id."""

import json
from pathlib import Path
from typing import Any

from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.readers.places import all_there, must_exist, refuse_twice
from sdetr.data.settings import DatasetSettings


def read_coco(settings: DatasetSettings, name: str, folder: Path) -> Index:
    """The first root below `folder` that has its annotation file. Raises naming file and annotation id."""
    lists = settings.lists or (f"annotations/instances_{settings.split}.json",) * len(settings.roots)
    tried = [(folder / root, folder / root / part) for root, part in zip(settings.roots, lists, strict=True)]
    root, path = next((pair for pair in tried if pair[1].exists()), tried[0])
    content = load_coco(must_exist(path, "annotation file"), "instances")
    try:
        return _index(content, settings, name, root, path)
    except KeyError as error:
        raise ValueError(f"{path}: an image, category or annotation has no {error}") from error


def _index(content: dict[str, Any], settings: DatasetSettings, name: str, root: Path, path: Path) -> Index:
    categories = sorted(content["categories"], key=lambda row: row["id"])
    classes = [row["name"] for row in categories]
    refuse_twice(path, "class name", classes)
    if settings.classes and list(settings.classes) != classes:
        odd = sorted(set(settings.classes) ^ set(classes)) or "the same names in another order"
        raise ValueError(f"{path} has classes other than the settings of {name}: {odd}")
    folders = [_folder(settings, row["file_name"], path) for row in content["images"]]
    images = [
        ImageRow(row["id"], (Path(folder) / row["file_name"]).as_posix(), row["height"], row["width"])
        for folder, row in zip(folders, content["images"], strict=True)
    ]
    refuse_twice(path, "image id", [row.id for row in images])
    for below in settings.image_folders:
        pictures = must_exist(root / below, "image folder")
        mine = [row["file_name"] for f, row in zip(folders, content["images"], strict=True) if f == below]
        all_there(pictures, mine)
    refuse_twice(path, "annotation id", [row["id"] for row in content["annotations"]])
    labels = {row["id"]: label for label, row in enumerate(categories)}
    known = {row.id for row in images}
    annotations = [_annotation(row, labels, known, path) for row in content["annotations"]]
    return Index(name, root.absolute(), classes, images, annotations)


def read_objects(path: Path, whole: Index) -> list[Annotation]:
    """What an annotation file says about images of a data set, whose labels its classes get by their names.

    Raises FileNotFoundError or ValueError naming the file, and what in it the data set does not have.
    """
    content = load_coco(must_exist(path, "list of objects"), "instances")
    known = {name: label for label, name in enumerate(whole.classes)}
    if unknown := sorted({row["name"] for row in content["categories"]} - known.keys()):
        raise ValueError(f"{path} has class {unknown[0]!r}, which data set {whole.dataset} does not have")
    images, there = {row.id for row in whole.images}, [row["image_id"] for row in content["annotations"]]
    if foreign := sorted(set(there) - images):
        raise ValueError(
            f"{path} lists objects of {len(foreign)} images that data set {whole.dataset} does not have, the "
            f"first is {foreign[0]}; expected a part of it, and no test images"
        )
    labels = {row["id"]: known[row["name"]] for row in content["categories"]}
    return [_annotation(row, labels, images, path) for row in content["annotations"]]


def _folder(settings: DatasetSettings, file: str, path: Path) -> str:
    """Of an image, below the root."""
    if not settings.images_of:
        return settings.images
    for begins, folder in settings.images_of.items():
        if file.startswith(begins):
            return folder
    expected = ", ".join(settings.images_of)
    raise ValueError(f"{path} lists image {file}, expected names that begin with one of {expected}")


def load_coco(path: Path, kind: str) -> dict[str, Any]:
    """A JSON file. Raises ValueError for one that is not COCO's."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            content = json.load(file, object_hook=_without_masks)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); it may be truncated, get it again") from error
    missing = [key for key in ("images", "annotations", "categories") if key not in content]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}; expected a COCO {kind} file")
    return dict(content)


def _without_masks(row: dict[str, Any]) -> dict[str, Any]:
    """Masks are nine tenths of the file; let go of each as soon as it is parsed."""
    row.pop("segmentation", None)
    return row


def _annotation(row: dict[str, Any], labels: dict[int, int], images: set[int], path: Path) -> Annotation:
    where = f"{path}: annotation {row['id']}"
    if row["category_id"] not in labels:
        raise ValueError(f"{where} has unknown category id {row['category_id']}; known: {sorted(labels)}")
    if row["image_id"] not in images:
        raise ValueError(f"{where} belongs to image id {row['image_id']}, which the file does not list")
    box = row.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(isinstance(v, int | float) for v in box)):
        raise ValueError(f"{where} has bbox {box!r}; expected four numbers x, y, width, height")
    x, y, width, height = map(float, box)
    crowd, difficult = bool(row.get("iscrowd", 0)), bool(row.get("difficult", 0))
    area = float(row.get("area", width * height))
    return Annotation(
        row["image_id"], labels[row["category_id"]], (x, y, width, height), area, crowd, difficult
    )
