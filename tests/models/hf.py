"""Hugging Face's detectors as oracles: our weights in their classes, every key of both used."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from sdetr.interop.detectors import save_detector
from sdetr.interop.hf_export import export_hf
from sdetr.interop.settings import DetectorCard
from sdetr.models.detector import Detector
from sdetr.models.heads import inverse_sigmoid
from sdetr.models.settings import ModelSettings
from sdetr.types import View
from tests.models.small import CLASSES, padded_view, trunk_settings

NAMES = tuple(f"thing {i}" for i in range(CLASSES))
transformers.utils.logging.disable_progress_bar()


def oracle(detector: Detector, settings: ModelSettings) -> PreTrainedModel:
    """Their model with our weights, in eval mode. A wrong name is a key too many, or another answer."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ours.safetensors"
        card = DetectorCard(model=settings, trunk=trunk_settings(), classes=NAMES)
        save_detector(detector.state_dict(), path, card)
        export_hf(path, Path(folder) / "hf")
        return loaded(Path(folder) / "hf")


def loaded(folder: Path) -> PreTrainedModel:
    """What their class, by the name that the folder says, makes of it, with nothing left over."""
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    theirs, told = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not any(told.values()), told
    return theirs.eval()


Layers = tuple[Tensor, Tensor, list[Tensor]]
"""Logits (L, B, Q, C), boxes (L, B, Q, 4), references L × (B, Q, 2 | 4) or none."""


@torch.no_grad()
def every_layer(theirs: PreTrainedModel, view: View) -> Layers:
    """What they say in every decoder layer, and what its boxes are offsets from."""
    theirs = theirs.detr if isinstance(theirs, transformers.DetrForSegmentation) else theirs
    given = {"pixel_values": view.images, "pixel_mask": (~view.padding).long()}
    if isinstance(theirs, transformers.DeformableDetrForObjectDetection):
        return _every_deformable_layer(theirs, given)
    states: list[Tensor] = []
    points: list[Tensor] = []
    starts: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
        states.append(output[0] if isinstance(output, tuple) else output)

    def start(_module: object, _args: object, kwargs: dict[str, Any]) -> None:
        starts.append(kwargs["query_position_embeddings"].sigmoid())

    decoder, anchors = theirs.model.decoder, hasattr(theirs.model, "query_refpoint_embeddings")
    hooks = [layer.register_forward_hook(keep) for layer in decoder.layers]
    if anchors:
        hooks.append(decoder.register_forward_pre_hook(start, with_kwargs=True))
    elif hasattr(decoder, "ref_point_head"):
        hooks.append(decoder.ref_point_head.register_forward_hook(lambda _m, _i, out: points.append(out)))
    theirs(**given)
    for hook in hooks:
        hook.remove()
    hidden = torch.stack([decoder.layernorm(state) for state in states])
    classes = theirs.class_embed if anchors else theirs.class_labels_classifier
    offsets = theirs.bbox_predictor(hidden)
    references = [point.sigmoid() for point in points] * len(states)
    if anchors:  # the reference of a layer is what the raw state of the one before makes of its own
        references = starts
        for state in states[:-1]:
            moved = theirs.bbox_predictor(state) + inverse_sigmoid(references[-1])
            references = [*references, moved.sigmoid()]
    return classes(hidden), _placed(offsets, references), references


CLOSE = {"atol": 1e-5, "rtol": 0.0}
"""In float64 what is left is cells' positions, which theirs has in float32."""


def exact(detector: Detector, theirs: PreTrainedModel) -> tuple[Detector, PreTrainedModel, View]:
    """Both, and a padded view, in doubles where theirs can: its DAB-DETR is float32 alone."""
    dtype = torch.float32 if isinstance(theirs, transformers.DabDetrForObjectDetection) else torch.float64
    view = replace(padded_view(), images=padded_view().images.to(dtype))
    return detector.to(dtype), theirs.to(dtype), view


@torch.no_grad()
def agree(detector: Detector, theirs: PreTrainedModel) -> None:
    """Every layer's answers, and masks where there are; images have whole tokens of padding."""
    detector, theirs, view = exact(detector, theirs)
    assert detector.encode(view).padding.any(dim=1).all()
    ours, (logits, boxes, references) = detector(view), every_layer(theirs, view)
    assert ours.logits.std() > 0.1 and ours.boxes.std() > 0.02  # else agreement would mean little
    assert (ours.logits[0] - ours.logits[1]).abs().max() > 0.1
    torch.testing.assert_close(ours.logits, logits, **CLOSE)
    torch.testing.assert_close(ours.boxes, boxes, **CLOSE)
    torch.testing.assert_close(ours.references, references, **CLOSE)
    if isinstance(theirs, transformers.DetrForSegmentation):
        masks = detector.masks(detector.encode(view), ours)
        assert masks.std() > 0.1
        said = theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
        # where queries look moves masks of random weights by as little as 1e-6
        torch.testing.assert_close(masks, said.pred_masks, atol=1e-9, rtol=0)


def _every_deformable_layer(theirs: PreTrainedModel, given: dict[str, Tensor]) -> Layers:
    said = theirs.model(**given)
    hidden = said.intermediate_hidden_states.unbind(1)
    references = [said.init_reference_points, *said.intermediate_reference_points.unbind(1)][: len(hidden)]
    logits = [head(x) for head, x in zip(theirs.class_embed, hidden, strict=False)]
    offsets = [head(x) for head, x in zip(theirs.bbox_embed, hidden, strict=False)]
    return torch.stack(logits), _placed(torch.stack(offsets), references), references


def _placed(offsets: Tensor, references: list[Tensor]) -> Tensor:
    for layer, reference in enumerate(references):
        offsets[layer, ..., : reference.shape[-1]] += inverse_sigmoid(reference)
    return offsets.sigmoid()
