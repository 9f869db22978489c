"""A part of a data set, read and judged: an index of what can be used, and findings about the rest."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.own import read_coco, read_folder, read_imagefolder, read_voc, read_yolo
from sdetr.data.own.boxes import Numbers, corner_and_size, inside, numbers, other_form
from sdetr.data.own.findings import Findings
from sdetr.data.own.holding_out import side
from sdetr.data.own.pictures import Seen, is_odd, look_at_all, said_format
from sdetr.data.own.raw import RawObject, RawSet
from sdetr.data.own.settings import OwnSettings
from sdetr.data.progress import ticking

READERS = {
    "coco": read_coco.read,
    "voc": read_voc.read,
    "yolo": read_yolo.read,
    "imagefolder": read_imagefolder.read,
    "folder": read_folder.read,
}


@dataclass(frozen=True)
class Part:
    """What is left of a part of a data set, and what was found."""

    index: Index
    digests: dict[str, str]
    """Image file → digest of its bytes."""


def read_part(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """As its files have it. Raises FileNotFoundError naming what is not there."""
    raw = READERS[settings.format](settings, root, findings)
    return side(raw, settings.hold_out, settings.held) if settings.hold_out else raw


def examine(
    settings: OwnSettings, name: str, root: Path, classes: list[str], raw: RawSet, findings: Findings
) -> Part:
    """Opens every image and judges every box. Nothing is raised: errors are findings, too."""
    files = [image.file for image in raw.images]
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    looked = look_at_all(root, files, settings.allow_truncated, workers)
    seen = list(ticking(looked, len(files), f"looking at {name}"))
    for file, one in zip(files, seen, strict=True):
        _tell(file, one, settings, findings)
    alone = settings.format == "folder"  # an image without labels is nobody's work: odd ones are left out
    usable = [not one.trouble and not (alone and is_odd(one.size)) for one in seen]
    for n, image in enumerate(raw.images):
        if usable[n] and not image.where and not alone:
            findings.add(
                "D13", image.file, "", "as an image without objects" if _kept(settings) else "left out"
            )
            usable[n] = _kept(settings)
        if usable[n] and image.said_size:
            _size(image.where or image.file, image.said_size, seen[n], findings)
    numbered = {n: k for k, n in enumerate((n for n, good in enumerate(usable) if good), 1)}
    images = [ImageRow(k, files[n], *seen[n].size) for n, k in numbered.items()]
    lost = findings.count("D01") + findings.count("D02")
    annotations = _annotations(raw, seen, numbered, classes, settings, findings)
    lost = findings.count("D01") + findings.count("D02") - lost
    funnel = {
        "images_missing": raw.missing,
        "images_found": len(files),
        "images_unreadable": sum(bool(one.trouble) for one in seen),
        "images": len(images),
        "boxes_found": len(raw.objects),
        "boxes": len(annotations),
        "crowd": sum(one.crowd for one in annotations),
        "difficult": sum(one.difficult for one in annotations),
        "images_without_boxes": len(images) - len({one.image_id for one in annotations}),
    }
    index = Index(name, root, classes, images, annotations, funnel, cut_off=settings.allow_truncated)
    ids = tuple(raw.categories.get(one, -1) for one in classes)
    _judge_what_is_left(index, lost, settings, findings)
    digests = {file: one.digest for file, one in zip(files, seen, strict=True) if one.digest}
    return Part(replace(index, source_ids=ids if settings.format == "coco" else ()), digests)


def _kept(settings: OwnSettings) -> bool:
    return settings.unlabelled == "negative"


def _tell(file: str, one: Seen, settings: OwnSettings, findings: Findings) -> None:
    if one.trouble:
        findings.add(one.code, file, "", one.trouble)
        return
    if promised := said_format(file, one):
        findings.add("D31", file, "content", f"{one.form}, not {promised}")
    if one.orientation > 1:
        findings.add("D32", file, "orientation", one.orientation)
    if not one.orientation:
        findings.add("D33", file, "orientation")
    if one.mode != "RGB":
        findings.add("D34", file, "mode", one.mode)
    if is_odd(one.size):
        findings.add("D35", file, "size", f"{one.size[0]}x{one.size[1]} (HxW)")


def _size(where: str, said: tuple[float, float], seen: Seen, findings: Findings) -> None:
    height, width = said
    if (height, width) == tuple(map(float, seen.size)):
        return
    turned = (height, width) == tuple(map(float, seen.stored))
    told = f"{height:g}x{width:g}, the image has {seen.size[0]}x{seen.size[1]} (HxW)"
    findings.add("D10" if turned else "D09", where, "size", told)


def _annotations(
    raw: RawSet,
    seen: list[Seen],
    numbered: dict[int, int],
    classes: list[str],
    settings: OwnSettings,
    findings: Findings,
) -> list[Annotation]:
    labels = {name: n for n, name in enumerate(classes)}
    there: list[tuple[RawObject, Numbers]] = []
    for one in raw.objects:
        box = numbers(one)
        if box is None:
            findings.add("D06", one.where, "bbox", repr(one.box))
        elif one.image in numbered:
            there.append((one, box))
    whole = settings.annotations or "."
    if other_form([(box, seen[one.image].size) for one, box in there], raw.form, findings, whole):
        return []
    kept: dict[Annotation, None] = {}
    for one, box in there:
        label = settings.merge.get(one.label, one.label)
        if label in settings.drop:
            continue
        if label not in labels:
            findings.add("D20", one.where, "class", repr(label))
            continue
        annotation = _annotation(one, box, labels[label], numbered[one.image], raw, seen, findings)
        if annotation is None:
            continue
        if annotation in kept:
            findings.add("D22", one.where, "bbox", one.box)
        kept[annotation] = None
    return list(kept)


def _annotation(
    one: RawObject, box: Numbers, label: int, image: int, raw: RawSet, seen: list[Seen], findings: Findings
) -> Annotation | None:
    """None if its box is left out."""
    size = seen[one.image].size
    said = corner_and_size(box, raw.form, size)
    cut = inside(said, size)
    if min(said[2:]) < 0:
        findings.add("D02", one.where, "bbox", one.box)
        return None
    if min(said[2:]) == 0:
        findings.add("D01", one.where, "bbox", one.box)
        return None
    if cut != said:
        findings.add("D03", one.where, "bbox", one.box)
        if min(cut[2:]) <= 0:
            return None
    if one.crowd or one.difficult:
        findings.add("D23", one.where, "", "crowd" if one.crowd else "difficult")
    area = one.area if isinstance(one.area, int | float) and one.area > 0 else cut[2] * cut[3]
    return Annotation(image, label, cut, float(area), one.crowd, one.difficult)


def _judge_what_is_left(index: Index, lost: int, settings: OwnSettings, findings: Findings) -> None:
    """`lost`: boxes of no use."""
    found, left, boxes = (index.funnel[key] for key in ("images_found", "images", "boxes"))
    funnel = f"{found} found, {left} can be used, {left - index.funnel['images_without_boxes']} with boxes"
    labelled = settings.format != "folder"
    if not left or (labelled and not boxes):
        findings.add("D38", index.dataset, "images", funnel)
        return
    said = found + index.funnel["images_missing"]
    gone = index.funnel["images_missing"] + index.funnel["images_unreadable"]
    if gone > settings.most_left_out * said:
        findings.add("D41", index.dataset, "images", f"{gone} of {said}")
    if lost > settings.most_left_out * index.funnel["boxes_found"]:
        findings.add("D41", index.dataset, "boxes", f"{lost} of {index.funnel['boxes_found']}")


def boxes_by_class(index: Index) -> Counter[str]:
    """Crowds aside."""
    count = Counter(dict.fromkeys(index.classes, 0))
    count.update(index.classes[one.label] for one in index.annotations if not one.crowd)
    return count
