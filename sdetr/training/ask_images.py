"""A detector's answers about any images: boxes drawn, and a JSON beside each."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from sdetr.data.images import read_image
from sdetr.data.loader import stack
from sdetr.data.normalise import normalise
from sdetr.data.picked import Picked, pick
from sdetr.data.progress import ticking
from sdetr.data.settings import ResizeSettings
from sdetr.data.sizes import resized
from sdetr.data.transforms import Targeted, resize
from sdetr.files import write_json, written_whole
from sdetr.interop.detectors import load_detector
from sdetr.models.answers import Answers
from sdetr.models.detector import Detector
from sdetr.training.device import choose_device
from sdetr.training.marks import mark, worth_showing

log = logging.getLogger(__name__)

PUBLISHED = ResizeSettings(short=800, longest=1333)
"""How DETR is tested (arXiv:2005.12872 §A.4); for files that do not say how theirs is."""


def ask_images(
    named: Sequence[Path],
    weights: Path,
    out: Path,
    device: str = "auto",
    size: ResizeSettings | None = None,
    keep: int = 100,
    confident: float = 0.3,
) -> list[Path]:
    """Writes `<name>.png` and `<name>.json` per image below `out`; returns the pictures.

    The picture shows answers above `confident`, or else the best three; the JSON has the best `keep`. Images
    that cannot be read are named when all others are done, by a ValueError.
    """
    images, chosen = pick(named), choose_device(device)
    detector, card = load_detector(weights)
    _refuse_to_overwrite(images, out)
    detector = detector.to(chosen)
    size = size or card.resize or PUBLISHED
    pictures, broken = [], []
    for image in ticking(images, len(images), "images"):
        try:
            pixels = read_image(image.path)
        except (ValueError, OSError) as error:
            broken.append(str(error))
            continue
        answers = _answers(detector, torch.from_numpy(pixels.copy()).permute(2, 0, 1), size, keep)
        found = _rows(answers, card.classes)
        picture = out / f"{image.name}.png"
        about = {"image": str(image.path), "size": list(pixels.shape[:2]), "weights": str(weights)}
        write_json(out / f"{image.name}.json", {**about, "found": found})
        _draw(Image.fromarray(pixels), found, picture, confident)
        pictures.append(picture)
    log.info("%d images asked about at %d px; pictures and answers: %s", len(pictures), size.short, out)
    if broken:
        raise ValueError(f"{len(broken)} of {len(images)} images could not be read: {'; '.join(broken)}")
    return pictures


def _refuse_to_overwrite(images: list[Picked], out: Path) -> None:
    """An image that lies where its own picture would go would be lost."""
    inputs = {image.path for image in images}
    for image in images:
        picture = (out / f"{image.name}.png").resolve()
        if picture in inputs:
            raise ValueError(f"--out {out}: {picture} is one of the images; choose another folder")


@torch.no_grad()
def _answers(detector: Detector, pixels: torch.Tensor, size: ResizeSettings, keep: int) -> Answers:
    """pixels (3, H, W) uint8; boxes in its pixels, inside of it."""
    height, width = pixels.shape[1:]
    bare = Targeted(pixels, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    shape = resized((height, width), size.short, size.longest)
    view = stack([(resize(bare, shape), 0)], shape)
    device = next(detector.parameters()).device
    predictions = detector(normalise(view.to(device)))
    sizes_px = torch.tensor([[height, width]], dtype=torch.float32, device=device)
    (answers,) = detector.answers(predictions, sizes_px, keep)
    limits = sizes_px[0].flip(0).repeat(2)
    inside = torch.minimum(answers.boxes_xyxy_px.clamp(min=0), limits)
    return replace(answers, boxes_xyxy_px=inside)


def _rows(answers: Answers, classes: Sequence[str]) -> list[dict[str, Any]]:
    columns = answers.scores.tolist(), answers.labels.tolist(), answers.boxes_xyxy_px.tolist()
    return [
        {
            "class": classes[label],
            "label": label,
            "score": round(score, 4),
            "box_xyxy_px": [round(value, 2) for value in box],
        }
        for score, label, box in zip(*columns, strict=True)
    ]


def _draw(image: Image.Image, found: list[dict[str, Any]], path: Path, confident: float) -> None:
    pen = ImageDraw.Draw(image)
    for i in reversed(worth_showing([row["score"] for row in found], confident)):  # the best on top
        words = f"{found[i]['class']} {found[i]['score']:.2f}"
        mark(pen, found[i]["box_xyxy_px"], found[i]["label"], words, max(image.size))
    with written_whole(path) as temporary:
        image.save(temporary, format="PNG")
