"""Where a detector looks: its surest queries, the box of each, and what its last layer takes of the image."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.images import read_image
from sdetr.data.loader import stack
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.data.sizes import resized
from sdetr.data.transforms import Targeted, resize
from sdetr.evaluation.settings import OBJECT
from sdetr.files import write_json, written_whole
from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.models.looks import last_looks, on_levels, over_image
from sdetr.objectives.regions_found import REGION
from sdetr.training.ask_images import PUBLISHED
from sdetr.training.device import choose_device
from sdetr.training.marks import COLOURS, mark
from sdetr.training.pretrained import as_pretrained

log = logging.getLogger(__name__)

TILE_PX = 420
QUERIES = 5
"""That are shown, as in Siamese DETR (supplement, Figure 5)."""
DARK = 0.25
"""What is left of the image where nobody looks."""


@dataclass(frozen=True)
class Query:
    """One of the surest: what it says, and where it looks."""

    number: int
    score: float
    label: str
    box_xyxy: Tensor  # (4,) in fractions of the image
    looks: Tensor  # (h, w) over the image, its largest value 1


def explain(
    image: Path,
    weights: Path,
    out: Path,
    heads: Path | None = None,
    device: str = "auto",
    size: ResizeSettings | None = None,
    queries: int = QUERIES,
) -> Path:
    """Writes `<name>.png` and `<name>.json` below `out`; returns the picture.

    `heads`: what a pretext threw away, where the detector knows no classes. Raises ValueError for weights
    that say of nothing how sure they are.
    """
    pixels = torch.from_numpy(read_image(image).copy()).permute(2, 0, 1)
    detector, classes, own = _detector(weights, heads)
    shown = surest(detector.to(choose_device(device)), pixels, size or own or PUBLISHED, classes, queries)
    picture = out / f"{image.stem}.png"
    if picture.resolve() == image.resolve():
        raise ValueError(f"--out {out}: {picture} is the image; choose another folder")
    with written_whole(picture) as temporary:
        drawn(pixels, shown).save(temporary, format="PNG")
    rows = [
        {
            "query": query.number,
            "score": round(query.score, 4),
            "class": query.label,
            "box_xyxy": [round(value, 5) for value in query.box_xyxy.tolist()],
        }
        for query in shown
    ]
    write_json(picture.with_suffix(".json"), {"image": str(image), "weights": str(weights), "queries": rows})
    return picture


def _detector(
    weights: Path, heads: Path | None
) -> tuple[Detector, Sequence[str] | None, ResizeSettings | None]:
    """In eval mode, with the classes that it knows, if any, and the size that it was tested with."""
    if heads is not None:
        return as_pretrained(weights, heads), None, None
    if not read_card(read_weights(weights)[1], weights).classes:
        raise ValueError(
            f"{weights} knows no classes, as a pretext leaves a detector; --heads names what the pretext "
            "threw away (pretext.safetensors beside it), which says how surely there is an object"
        )
    detector, card = load_detector(weights)
    return detector.eval(), card.classes, card.resize


@torch.no_grad()
def surest(
    detector: Detector, pixels: Tensor, size: ResizeSettings, classes: Sequence[str] | None, count: int
) -> list[Query]:
    """pixels (3, H, W) uint8 → the queries that are surest of an object, best first; without `classes`, as
    their pretext says it.
    """
    height, width = pixels.shape[1:]
    bare = Targeted(pixels, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    shape = resized((height, width), size.short, size.longest)
    view = normalise(stack([(resize(bare, shape), 0)], shape).to(next(detector.parameters()).device))
    with last_looks(detector) as looks:
        predictions = detector(view)
        logits = predictions.logits[-1, 0]  # (Q, C), softmax families one more
        chances = logits.sigmoid() if detector.focal else logits.softmax(-1)[:, :-1]
        known = chances[:, : len(classes)] if classes else chances[:, REGION : REGION + 1]
        scores, labels = known.max(dim=-1)
        best = scores.argsort(descending=True)[:count]
        taken = on_levels(looks.of(0, best), looks.inputs[2])
    maps = over_image(taken, (height, width))
    boxes = cxcywh_to_xyxy(predictions.boxes[-1, 0, best]).clamp(0, 1).cpu()
    names = [classes[int(labels[query])] if classes else OBJECT for query in best]
    return [
        Query(int(number), float(scores[number]), name, box, look)
        for number, name, box, look in zip(best, names, boxes, maps, strict=True)
    ]


def drawn(pixels: Tensor, queries: Sequence[Query]) -> Image.Image:
    """The image with all boxes, and beside it once for each query, bright where it looks."""
    picture = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    scale = TILE_PX / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = picture.resize(size)
    tiles = [small.copy()]
    pen = ImageDraw.Draw(tiles[0])
    for n, query in reversed(list(enumerate(queries))):
        _mark(pen, query, n, size)
    for n, query in enumerate(queries):
        light = Image.fromarray(np.uint8(255 * query.looks.numpy())).resize(size)
        bright = np.asarray(light, np.float32)[..., None] / 255
        tile = Image.fromarray(np.uint8(np.asarray(small) * (DARK + (1 - DARK) * bright)))
        _mark(ImageDraw.Draw(tile), query, n, size)
        tiles.append(tile)
    sheet = Image.new("RGB", (size[0] * len(tiles), size[1]), "#222222")
    for n, tile in enumerate(tiles):
        sheet.paste(tile, (n * size[0], 0))
    return sheet


def _mark(pen: ImageDraw.ImageDraw, query: Query, n: int, size: tuple[int, int]) -> None:
    box = (query.box_xyxy * torch.tensor([*size, *size])).tolist()
    mark(pen, box, n % len(COLOURS), f"{query.label} {query.score:.2f}, query {query.number}", TILE_PX)
