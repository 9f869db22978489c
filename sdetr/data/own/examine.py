"""A part of a data set, read and judged: an index of what can be used, and findings about the rest."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from sdetr.data.index import ImageRow, Index
from sdetr.data.own import read_coco, read_folder, read_imagefolder, read_voc, read_yolo
from sdetr.data.own.annotate import LOST, annotate
from sdetr.data.own.findings import Findings
from sdetr.data.own.frames import frames_of
from sdetr.data.own.holding_out import side
from sdetr.data.own.pictures import Seen, is_odd, look_at_all, said_format
from sdetr.data.own.raw import RawSet
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
    numbered = {n: k for k, n in enumerate((n for n, good in enumerate(usable) if good), 1)}
    images = [ImageRow(k, files[n], *seen[n].size) for n, k in numbered.items()]
    before = sum(map(findings.count, LOST))
    frames = frames_of(raw, seen, usable, findings)
    annotations = annotate(raw, seen, frames, numbered, classes, settings, findings)
    lost = sum(map(findings.count, LOST)) - before
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
