"""COCO's JSON, and what tools make of it: Roboflow, CVAT, labelme2coco."""

from collections import Counter
from pathlib import Path
from typing import Any

from sdetr.data.own.coco_files import Named, files_of_rows
from sdetr.data.own.findings import Findings
from sdetr.data.own.json_lists import NotJsonError, lists_of
from sdetr.data.own.raw import RawImage, RawObject, RawSet
from sdetr.data.own.settings import OwnSettings

LISTS = ("images", "annotations", "categories")


def read(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """Findings of kind error end the reading; what they are about is left out."""
    raw, path = RawSet(root, "xywh"), root / settings.annotations
    content = _load(path, findings)
    if content is None:
        return raw
    names = _categories(content["categories"], settings, path, findings, raw)
    rows = _rows(content["images"], "file_name", "image", path, findings)
    for key, times in Counter(_get(row, "id") for row in rows).items():
        if times > 1:
            findings.add("D21", path.name, "image id", f"{key!r}, {times} times")
    place: dict[object, int] = {}
    gone = {_get(row, "id") for row in content["images"]}
    named = [Named(_get(row, "id"), str(row["file_name"])) for row in rows]
    files = files_of_rows(named, settings, root, path.name, findings)
    for row, one, file in zip(rows, named, files, strict=True):
        if file is None:
            raw.missing += 1
            continue
        place[one.key] = len(raw.images)
        raw.images.append(RawImage(file, f"{path.name}: image {one.key}", _size(row)))
    _objects(content["annotations"], path, names, place, gone, findings, raw)
    having = {one.image for one in raw.objects}  # a listed image is silent if no annotation is of it
    raw.images = [one if n in having else one._replace(where="") for n, one in enumerate(raw.images)]
    return raw


def _load(path: Path, findings: Findings) -> dict[str, list[dict[str, Any]]] | None:
    try:
        content = lists_of(path, LISTS, _without_masks)
    except FileNotFoundError:
        raise FileNotFoundError(f"no annotation file {path}") from None
    except NotJsonError as wrong:
        told = "the file is empty" if not path.stat().st_size else f"{wrong.told} in line {wrong.line}"
        findings.add("D25", path.name, f"byte {wrong.byte}", told)
        return None
    if missing := [key for key in LISTS if not isinstance(content.get(key), list)]:
        findings.add("D25", path.name, ", ".join(missing), "no such list; expected COCO's instances")
        return None
    return content


def _without_masks(row: dict[str, Any]) -> dict[str, Any]:
    """Masks are nine tenths of a file, and are let go of as soon as they are parsed."""
    row.pop("segmentation", None)
    return row


def _categories(
    rows: list[dict[str, Any]], settings: OwnSettings, path: Path, findings: Findings, raw: RawSet
) -> dict[object, str]:
    """Id → name; those of no name as their ids, for messages about what is of them."""
    names: dict[object, str] = {_get(row, "id"): str(_get(row, "id")) for row in rows}
    rows = _rows(rows, "name", "category", path, findings)
    names |= {_get(row, "id"): str(row["name"]) for row in rows}
    for key, times in Counter(_get(row, "id") for row in rows).items():
        if times > 1:
            findings.add("D21", path.name, "category id", f"{key!r}, {times} times")
    for name, times in Counter(str(row["name"]) for row in rows).items():
        if times > 1 and name not in settings.merge:
            ids = sorted(str(key) for key, named in names.items() if named == name)
            findings.add("D17", path.name, "category", f"{name!r} has the ids {', '.join(ids)}")
    keys = sorted(key for key in names if isinstance(key, int))
    if keys and keys != list(range(keys[0], keys[0] + len(keys))):
        findings.add("D15", path.name, "category ids", f"{keys[0]} to {keys[-1]} for {len(keys)} categories")
    raw.categories = {name: key for key, name in names.items() if isinstance(key, int)}
    raw.above = {str(row.get("supercategory", "")) for row in rows if row.get("supercategory") != row["name"]}
    return names


def _rows(rows: list[Any], key: str, what: str, path: Path, findings: Findings) -> list[dict[str, Any]]:
    """Those that have a name; others are told."""
    good = []
    for n, row in enumerate(rows, 1):
        if isinstance(row, dict) and isinstance(row.get(key), str | int) and row[key] != "":
            good.append(row)
        else:
            told = f"no {key}" if isinstance(row, dict) else f"expected an object, found {row!r}"
            findings.add("D25", path.name, f"{what} {n} of the list", told)
    return good


def _objects(
    rows: list[dict[str, Any]],
    path: Path,
    names: dict[object, str],
    place: dict[object, int],
    gone: set[object],
    findings: Findings,
    raw: RawSet,
) -> None:
    for key, times in Counter(_get(row, "id") for row in rows).items():
        if times > 1 and key is not None:
            findings.add("D21", path.name, "annotation id", f"{key!r}, {times} times")
    for row in rows:
        key, image, category = _get(row, "id"), _get(row, "image_id"), _get(row, "category_id")
        where = f"{path.name}: annotation {key}"
        if key == 0:
            findings.add("D40", path.name, "annotation", 0)
        if category not in names:
            findings.add("D16", path.name, f"annotation {key}, category_id", repr(category))
        elif image in place and isinstance(row, dict):
            if "area" not in row or "iscrowd" not in row:
                absent = " and ".join(one for one in ("area", "iscrowd") if one not in row)
                findings.add("D24", path.name, f"annotation {key}", f"no {absent}")
            crowd, difficult = bool(row.get("iscrowd")), bool(row.get("difficult"))
            box, area = row.get("bbox"), row.get("area")
            raw.objects.append(RawObject(place[image], names[category], box, where, area, crowd, difficult))
        elif image not in gone:
            findings.add("D16", path.name, f"annotation {key}, image_id", repr(image))


def _get(row: object, key: str) -> Any:
    """What stands there, as something that can be counted."""
    value = row.get(key) if isinstance(row, dict) else None
    return repr(value) if isinstance(value, list | dict) else value


def _size(row: dict[str, Any]) -> tuple[float, float] | None:
    height, width = row.get("height"), row.get("width")
    if isinstance(height, int | float) and isinstance(width, int | float):
        return float(height), float(width)
    return None
