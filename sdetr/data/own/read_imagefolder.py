"""Hugging Face's imagefolder: images, and metadata.jsonl, whose `objects` have bbox and categories."""

import json
from pathlib import Path
from typing import Any

from sdetr.data.own.files import images_below
from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import RawImage, RawObject, RawSet
from sdetr.data.own.settings import OwnSettings

LABELS = ("categories", "category", "label", "labels")


def read(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """Boxes are x, y, width and height in pixels, as COCO's; a class is its name, or its number as text."""
    raw, path = RawSet(root, "xywh"), root / settings.annotations
    folder = root / settings.images
    files = images_below(folder, root, findings, alone=False)
    named = {(root / file).relative_to(folder).as_posix(): file for file in files}
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    for n, line in enumerate(_lines(path, findings), 1):
        if line.strip():
            _line(line, n, path.name, named, findings, raw)
    spoken = {image.file for image in raw.images}
    raw.images += [RawImage(file) for file in files if file not in spoken]
    raw.categories = {name: n for n, name in enumerate(sorted({one.label for one in raw.objects}))}
    return raw


def _lines(path: Path, findings: Findings) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        findings.add("D25", path.name, f"byte {error.start}", f"no UTF-8: {error.reason}")
        return []


def _line(line: str, n: int, name: str, named: dict[str, str], findings: Findings, raw: RawSet) -> None:
    try:
        row = json.loads(line)
        file, objects = row["file_name"], row.get("objects") or {}
        boxes, labels = objects.get("bbox", []), _labels(objects)
    except json.JSONDecodeError as error:
        findings.add("D25", name, f"line {n}", error.msg)
        return
    except (KeyError, TypeError, AttributeError) as error:
        findings.add("D25", name, f"line {n}", f"no file_name, or objects that are none: {error!r}")
        return
    if file not in named:
        findings.add("D12", name, f"line {n}, file_name", file)
        raw.missing += 1
        return
    if len(boxes) != len(labels):
        findings.add("D16", name, f"line {n}", f"{len(boxes)} boxes, {len(labels)} categories")
        return
    raw.images.append(RawImage(named[file], f"{name}: line {n}"))
    for k, (box, label) in enumerate(zip(boxes, labels, strict=True), 1):
        where = f"{name}: line {n}, object {k}"
        raw.objects.append(RawObject(len(raw.images) - 1, str(label), box, where))


def _labels(objects: dict[str, Any]) -> list[Any]:
    return next((list(objects[key]) for key in LABELS if key in objects), [])
