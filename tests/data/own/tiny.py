"""Tiny data sets that are right, for tests to break."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sdetr.data.own.across import compare
from sdetr.data.own.classes import classes_of
from sdetr.data.own.examine import Part, examine, read_part
from sdetr.data.own.findings import Finding, Findings
from sdetr.data.own.settings import OwnSettings

SIZE = (40, 60)
COUNT = 4


def picture(path: Path, size: tuple[int, int] = SIZE, seed: int = 0, **how: Any) -> Path:
    """An image of (H, W), of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, **how)
    return path


def coco(root: Path, **changes: Any) -> OwnSettings:
    """Four images, each with a cat and a dog, in `images` and `train.json`."""
    for n in range(COUNT):
        picture(root / f"images/{n}.jpg", seed=n)
    content: dict[str, Any] = {
        "images": [{"id": n + 1, "file_name": f"{n}.jpg", "height": 40, "width": 60} for n in range(COUNT)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {
                "id": 2 * n + k,
                "image_id": n + 1,
                "category_id": k,
                "bbox": [5 * k, 4, 20, 30],
                "area": 600,
                "iscrowd": 0,
            }
            for n in range(COUNT)
            for k in (1, 2)
        ],
    }
    write(root / "train.json", content | changes)
    return OwnSettings(format="coco", images="images", annotations="train.json")


def annotations(root: Path) -> list[dict[str, Any]]:
    return list(json.loads((root / "train.json").read_text())["annotations"])


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


def changed(root: Path, which: int, **fields: Any) -> OwnSettings:
    """COCO, one annotation of which has other fields; those that are None are removed."""
    settings = coco(root)
    rows = annotations(root)
    rows[which] = {k: v for k, v in (rows[which] | fields).items() if v is not ...}
    return coco(root, annotations=rows) if settings else settings


XML = """<annotation><filename>{name}</filename>
<size><width>{w}</width><height>{h}</height><depth>3</depth></size>
<object><name>cat</name><difficult>{difficult}</difficult>
<bndbox><xmin>{x0}</xmin><ymin>4</ymin><xmax>25</xmax><ymax>34</ymax></bndbox></object>
</annotation>"""


def voc(root: Path, **of_first: Any) -> OwnSettings:
    """Four pairs of image and XML; the first XML says something else."""
    for n in range(COUNT):
        picture(root / f"images/{n}.jpg", seed=n)
        said = {"name": f"{n}.jpg", "w": 60, "h": 40, "x0": 5, "difficult": 0} | (of_first if n == 0 else {})
        path = root / f"annotations/{n}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(XML.format(**said))
    return OwnSettings(format="voc", images="images", annotations="annotations")


def folder(root: Path) -> OwnSettings:
    for n in range(COUNT):
        picture(root / f"{n}.jpg", seed=n)
    return OwnSettings(format="folder")


def judged(root: Path, settings: OwnSettings) -> tuple[Part, dict[str, Finding]]:
    """What is left, and what was found, by code."""
    parts, findings = judged_together({"train": (root, settings)})
    return parts["train"], findings


def judged_together(
    of: dict[str, tuple[Path, OwnSettings]],
) -> tuple[dict[str, Part], dict[str, Finding]]:
    first = next(iter(of.values()))[1]
    findings = Findings(first.strict)
    raws = {name: read_part(settings, root, findings) for name, (root, settings) in of.items()}
    classes = classes_of(raws, first, findings)
    parts = {
        name: examine(settings, name, root, classes, raws[name], findings)
        for name, (root, settings) in of.items()
    }
    compare(parts, findings)
    return parts, {one.code: one for one in findings}
