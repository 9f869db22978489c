"""The whole Deformable DETR forward beside Hugging Face's: published sizes, a narrow ResNet-50."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sdetr.models.detector import Detector
from sdetr.types import View
from tests.bench.harness import Row, in_turn, main, timed
from tests.models.hf import oracle
from tests.models.small import model_settings, padded_view, small_detector

PUBLISHED = {"queries": 300, "width": 256, "ffn": 1024, "encoder_layers": 6, "decoder_layers": 6}
SIZES = ((256, 320), (224, 320))


def rows() -> Iterator[Row]:
    detector, theirs, view = both(PUBLISHED, SIZES)
    said = partial(ours, detector, view), partial(hugging_face, theirs, view)
    for one, two in zip(*(way() for way in said), strict=True):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)
    what = f"Deformable DETR forward, {len(SIZES)} images of {SIZES[0][0]}×{SIZES[0][1]}, narrow R50"
    yield timed(what, "Hugging Face's DeformableDetr", in_turn(*said, rounds=7), note="same answers")


def both(
    sizes: dict[str, int], images: tuple[tuple[int, int], ...]
) -> tuple[Detector, PreTrainedModel, View]:
    detector = small_detector("deformable", **sizes)
    return detector, oracle(detector, model_settings("deformable", **sizes)), padded_view(1, images)


@torch.no_grad()
def ours(detector: Detector, view: View) -> tuple[Tensor, Tensor]:
    """Logits (B, Q, C) and boxes (B, Q, 4) of the last layer."""
    said = detector(view)
    return said.logits[-1], said.boxes[-1]


@torch.no_grad()
def hugging_face(theirs: PreTrainedModel, view: View) -> tuple[Tensor, Tensor]:
    said = theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    return said.logits, said.pred_boxes


if __name__ == "__main__":
    main(rows)
