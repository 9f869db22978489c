"""The mask head against Hugging Face's, against loops, and what refuses it."""

import math
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from sdetr.models import mask_head
from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from sdetr.types import View
from tests.models.hf import agree, oracle
from tests.models.small import CLASSES, model_settings, padded_view, randomise, small_detector, trunk_settings

KINDS = ("joint", "per_head")
JOINT = {"variant": "detr", "mask_attention": "joint"}


def exact_view() -> View:
    view = padded_view()
    return replace(view, images=view.images.double())


def test_variants_7_masks_are_hugging_faces_where_heads_share_their_attention() -> None:
    settings, detector = model_settings(**JOINT), small_detector(**JOINT)
    agree(detector, oracle(detector, settings))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_variants_7_attention_is_shared_by_all_heads_or_each_has_its_own(kind: str) -> None:
    detector, view = small_detector("detr", mask_attention=kind).double(), exact_view()
    memory = detector.encode(view)
    hidden = detector.decode(memory).hidden[-1]
    looks, attention = detector.mask_head.attention(hidden, memory), detector.mask_head.attention
    query, key = attention.query(hidden), attention.key(memory.tokens)
    for image in range(2):
        inside = [m for m in range(15) if not memory.padding[image, m]]
        for number in range(7):
            worth = torch.zeros(8, 15, dtype=torch.float64)
            for head in range(8):
                part = slice(8 * head, 8 * head + 8)
                for m in inside:
                    score = query[image, number, part] @ key[image, m, part]
                    worth[head, m] = math.exp(float(score) / math.sqrt(8))
            total = worth.sum() if kind == "joint" else worth.sum(1, keepdim=True)
            torch.testing.assert_close(looks[image, number], worth / total, atol=1e-12, rtol=0)


@torch.no_grad()
def test_variants_8_attention_reads_memory_and_convolutions_what_the_neck_made() -> None:
    detector, view = small_detector("detr", mask_attention="joint"), padded_view()
    memory = detector.encode(view)
    projected = detector.neck(detector.features(view.images)[-1:])[0]
    torch.testing.assert_close(memory.unencoded.mT.view(2, 64, 3, 5), projected)
    hidden = detector.decode(memory).hidden[-1]
    head, other = detector.mask_head, torch.randn(2, 15, 64)
    looks = head.attention(hidden, memory)
    assert torch.equal(head.attention(hidden, replace(memory, unencoded=other)), looks)
    assert (head.attention(hidden, replace(memory, tokens=other)) - looks).abs().max() > 0.01
    whole = head.first(torch.cat([projected[:1].expand(7, -1, -1, -1), looks[0].view(7, 8, 3, 5)], dim=1))
    parts = head.first.of_queries(looks[:1].view(7, 8, 3, 5), head.first.of_image(projected[:1]))
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)


@torch.no_grad()
def test_masks_of_many_queries_are_those_of_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = small_detector("detr", mask_attention="joint")
    memory = detector.encode(padded_view())
    said = detector.decode(memory)
    monkeypatch.setattr(mask_head, "TOGETHER", 3)
    few = detector.masks(memory, said)
    monkeypatch.setattr(mask_head, "TOGETHER", 7)
    torch.testing.assert_close(few, detector.masks(memory, said), atol=1e-5, rtol=0)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = detector.masks(memory, said)
    assert rounded.dtype == torch.float32 and (rounded - few).abs().max() < 0.2 * few.abs().max()
    some = replace(said, hidden=said.hidden[:, :, [4, 1]])
    torch.testing.assert_close(detector.masks(memory, some), few[:, [4, 1]], atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("stages, width, heads", [(3, 96, 4), (4, 64, 8), (1, 16, 2)])
def test_masks_are_as_fine_as_the_first_map_whatever_the_backbone(
    stages: int, width: int, heads: int
) -> None:
    settings = model_settings("detr", mask_attention="per_head", width=width, heads=heads)
    detector = randomise(Detector(settings, trunk_settings(arch="resnet18", stages=stages), 3)).eval()
    memory = detector.encode(padded_view())
    masks = detector.masks(memory, detector.decode(memory))
    assert masks.shape == (2, 7, 24, 40) and masks.isfinite().all()


@torch.no_grad()
def test_a_mask_head_changes_no_box_and_no_other_weight() -> None:
    torch.manual_seed(0)
    plain = Detector(model_settings("detr"), trunk_settings(), CLASSES).eval()
    torch.manual_seed(0)
    masked = Detector(model_settings("detr", mask_attention="joint"), trunk_settings(), CLASSES).eval()
    assert plain.state_dict().keys() < masked.state_dict().keys()
    assert torch.equal(masked(padded_view()).boxes, plain(padded_view()).boxes)
    memory = plain.encode(padded_view())
    assert memory.unencoded is None and len(memory.maps) == 1  # nothing is kept for nobody
    with pytest.raises(ValueError, match="no mask head; its settings would say mask_attention"):
        plain.masks(memory, plain.decode(memory))


def test_a_mask_head_starts_as_published() -> None:
    torch.manual_seed(0)
    head = Detector(model_settings("detr", mask_attention="joint", width=256), trunk_settings(), 3).mask_head
    assert not any(p.any() for name, p in head.named_parameters() if name.endswith("bias"))
    bounds: list[tuple[Tensor, float]] = [
        (head.first.conv.weight, math.sqrt(3 / (9 * 264))),  # Kaiming's for a slope of 1
        (head.refine[2].conv.weight, math.sqrt(3 / (9 * 32))),
        (head.adapters[0].weight, math.sqrt(3 / 64)),
        (head.attention.key.weight, math.sqrt(6 / 512)),  # Xavier's
    ]
    for weight, bound in bounds:
        assert 0.99 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_every_parameter_of_a_mask_head_learns() -> None:
    detector = small_detector("detr", mask_attention="joint")
    memory = detector.encode(padded_view())
    detector.masks(memory, detector.decode(memory)).square().sum().backward()
    assert all(p.grad.abs().max() > 1e-6 for p in detector.mask_head.parameters())


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "detr"])
def test_variants_30_a_mask_head_is_refused_where_none_was_published(variant: str) -> None:
    with pytest.raises(ValidationError, match=rf"but {variant} has no published mask head.* have: detr"):
        model_settings(variant, mask_attention="joint")


def test_a_width_that_cannot_be_halved_four_times_is_refused() -> None:
    with pytest.raises(ValidationError, match="width: 72 is no multiple of 16, by which a mask head"):
        model_settings("detr", mask_attention="joint", width=72)
