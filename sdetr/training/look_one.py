"""What one detector says of one image, as pictures of boxes show it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Sample
from sdetr.data.loader import stack
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.data.sizes import resized
from sdetr.data.transforms import Targeted, resize
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.detector import Detector
from sdetr.models.layers import MLP
from sdetr.models.looks import last_looks, on_levels, over_image
from sdetr.objectives.regions_found import REGION
from sdetr.proposals.store import Proposals
from sdetr.training.gradients import gradients_of_best
from sdetr.types import View

Columns = dict[str, Tensor]
"""Fields of `Found`, by name."""
Finder = Callable[[Sample], Columns]
ANSWERS = 100
EMBEDDING = "embedding_head."


def seen(sample: Sample, size: ResizeSettings, device: torch.device, crops: Tensor | None = None) -> View:
    """The one image as it is tested, normalised; `crops` (N, 3, s, s) bytes beside it."""
    bare = Targeted(sample.image, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    shape = resized((sample.image.shape[1], sample.image.shape[2]), size.short, size.longest)
    view = stack([(resize(bare, shape), sample.image_id)], shape)
    return normalise(replace(view, crops=None if crops is None else crops[None]).to(device))


def shown_size(sample: Sample, longest: int) -> tuple[int, int]:
    """(h, w) of the image where its longer side is at most `longest`."""
    height, width = sample.image.shape[1:]
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def fractions(boxes_xyxy_px: Tensor, sample: Sample) -> Tensor:
    """(N, 4) of its image, cut off at its border."""
    height, width = sample.image.shape[1:]
    return (boxes_xyxy_px / torch.tensor([width, height, width, height])).clamp(0, 1)


def as_many_as_labels(detector: Detector, size: ResizeSettings) -> Finder:
    """The boxes whose logit of "object" is highest, by which they are measured, too (trap T23 of DETReg)."""

    @torch.no_grad()
    def find(sample: Sample) -> Columns:
        said = detector(seen(sample, size, _device(detector)))
        return _loudest(said.logits[-1, 0], said.boxes[-1, 0], int((~sample.crowd).sum()))

    return find


def with_attention(detector: Detector, size: ResizeSettings, count: int, longest: int) -> Finder:
    """The best `count` boxes, and what the last layer takes of the image for each of them."""

    @torch.no_grad()
    def find(sample: Sample) -> Columns:
        with last_looks(detector) as looks:
            said = detector(seen(sample, size, _device(detector)))
            found = _loudest(said.logits[-1, 0], said.boxes[-1, 0], count)
            levels = on_levels(looks.of(0, found["queries"].to(said.boxes.device)), looks.inputs[2])
        return found | {"maps": over_image(levels, shown_size(sample, longest))}

    return find


def sure_detections(detector: Detector, size: ResizeSettings, above: float) -> Finder:
    """Answers as they are measured, of the classes that it was fine-tuned for, with a score over `above`."""

    @torch.no_grad()
    def find(sample: Sample) -> Columns:
        said = detector(seen(sample, size, _device(detector)))
        whole = torch.ones(1, 2, device=said.boxes.device)  # of the image, which makes pixels fractions
        (answers,) = detector.answers(said, whole, ANSWERS)
        sure = answers.scores > above
        return {
            "boxes": answers.boxes_xyxy_px[sure].clamp(0, 1),
            "scores": answers.scores[sure],
            "labels": answers.labels[sure],
            "queries": torch.full_like(answers.labels[sure], -1),
            "best": answers.scores[:1],
        }

    return find


def with_gradients(detector: Detector, heads: Path, size: ResizeSettings, longest: int) -> Finder:
    """The best box, and how much each pixel moves its centre and its embedding."""
    head = embedding_head(heads, detector.width).to(_device(detector))

    def find(sample: Sample) -> Columns:
        said, maps, query = gradients_of_best(detector, seen(sample, size, _device(detector)), head)
        small = nn.functional.adaptive_avg_pool2d(maps[None], shown_size(sample, longest))[0]
        return _loudest(said.logits[-1, 0], said.boxes[-1, 0], 1) | {
            "queries": torch.tensor([query]),
            "maps": small,
        }

    return find


def embedding_head(heads: Path, width: int) -> nn.Module:
    """Of DETReg, in eval mode. Raises ValueError for what another pretext threw away."""
    thrown, _ = read_weights(heads)
    own = {key.removeprefix(EMBEDDING): value for key, value in thrown.items() if key.startswith(EMBEDDING)}
    if not own:
        raise ValueError(
            f"{heads} has no key {EMBEDDING}*, expected what DETReg threw away: other pretexts embed nothing"
        )
    head = MLP(width, width, own[f"layers.{len(own) // 2 - 1}.bias"].shape[0])
    load_exactly(head, own, str(heads))
    return head.eval()


def first_proposals(proposals: Proposals) -> Finder:
    """As many boxes as labels; all are equally sure, so that their order alone decides."""

    def find(sample: Sample) -> Columns:
        boxes_px = torch.from_numpy(proposals.of(sample.image_id)[: int((~sample.crowd).sum())].copy())
        boxes = fractions(boxes_px, sample)
        none = torch.full((len(boxes),), -1)
        return {"boxes": boxes, "scores": torch.ones(len(boxes)), "labels": none, "queries": none}

    return find


def _loudest(logits: Tensor, boxes: Tensor, count: int) -> Columns:
    """(Q, C), (Q, 4) cxcywh → the best `count` by the logit of "object" as it is."""
    scores, queries = logits[:, REGION].detach().topk(min(count, len(logits)))
    return {
        "boxes": cxcywh_to_xyxy(boxes[queries].detach()).clamp(0, 1),
        "scores": scores,
        "labels": torch.full_like(queries, -1),
        "queries": queries,
    }


def _device(detector: nn.Module) -> torch.device:
    return next(detector.parameters()).device
