"""Scenes in the layout of COCO: instances with masks, and panoptic segments as coloured PNG."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sdetr.data.embedded.classes import COCO_IDS, STUFF
from sdetr.data.embedded.layers import Mask
from sdetr.data.embedded.picture import save_picture
from sdetr.data.embedded.scene import Scene
from sdetr.files import write_json

Json = dict[str, Any]


def write_coco(folder: Path, scenes: Iterable[Scene], classes: tuple[str, ...], split: str) -> None:
    """Images, instances and panoptic JSON with its PNGs below `folder`, named as COCO names them."""
    year = f"{split}2017"
    images: list[Json] = []
    instances: list[Json] = []
    panoptic: list[Json] = []
    segments = folder / "annotations" / f"panoptic_{year}"
    segments.mkdir(parents=True)
    for i, scene in enumerate(scenes):
        image_id = 9 + 16 * i  # official ids have gaps too
        file = f"{image_id:012d}.jpg"
        save_picture(folder / year / file, scene.pixels, scene.gray, scene.orientation)
        height, width, _ = scene.pixels.shape
        images.append({"id": image_id, "file_name": file, "height": height, "width": width})
        for thing in scene.things:
            row = {"id": len(instances) + 1, "image_id": image_id, "segmentation": _rle(thing.mask)}
            instances.append(row | _facts(COCO_IDS[thing.name], thing.mask, thing.crowd))
        ids, infos = _segments(scene)
        png = f"{image_id:012d}.png"
        colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
        Image.fromarray(colours).save(segments / png)
        panoptic.append({"image_id": image_id, "file_name": png, "segments_info": infos})
    things: list[Json] = [{"id": COCO_IDS[name], "name": name} for name in sorted(classes)]
    stuff: list[Json] = [{"id": s.official_id, "name": s.name, "isthing": 0} for s in STUFF]
    info = {"description": "embedded shapes"}
    for kind, annotations, categories in (
        ("instances", instances, things),
        ("panoptic", panoptic, [row | {"isthing": 1} for row in things] + stuff),
    ):
        content = {"info": info, "images": images, "annotations": annotations, "categories": categories}
        write_json(folder / "annotations" / f"{kind}_{year}.json", content)


def _facts(category_id: int, mask: Mask, crowd: bool) -> Json:
    """What an instance and a segment both say; bbox is xywh in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return {
        "category_id": category_id,
        "bbox": [x, y, x1 - x, y1 - y],
        "area": int(mask.sum()),
        "iscrowd": int(crowd),
    }


def _rle(mask: Mask) -> Json:
    """COCO's uncompressed runs, column by column, beginning with zeros."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])  # where a run begins or ends
    counts = np.diff(np.concatenate([[0], edges, [mask.size]]))
    return {"counts": counts.tolist(), "size": list(mask.shape)}


def _segments(scene: Scene) -> tuple[npt.NDArray[np.int64], list[Json]]:
    """(H, W) segment ids and what each is; things lie over stuff, and every pixel belongs to one of them."""
    ids = np.zeros(scene.stuff.shape, np.int64)
    infos = []
    for number, thing in enumerate(scene.things):
        segment = 1000 + 7919 * number  # above 255, so that all three bytes of a pixel count
        ids[thing.mask] = segment
        infos.append({"id": segment, **_facts(COCO_IDS[thing.name], thing.mask, thing.crowd)})
    for index, stuff in enumerate(STUFF):
        mask = (scene.stuff == index) & (ids == 0)
        if mask.any():
            ids[mask] = stuff.official_id
            infos.append({"id": stuff.official_id, **_facts(stuff.official_id, mask, False)})
    return ids, infos
