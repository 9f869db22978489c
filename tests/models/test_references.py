"""References that move: who learns from whose box, and first guesses of a two-stage detector."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.models.heads import place_boxes
from sdetr.models.two_stage import starts
from sdetr.models.variants import VARIANTS
from sdetr.types import Ask
from tests.models.small import bare_memory, padded_view, small_detector


def learns(detector: Detector, layer: int, parameter: Tensor) -> bool:
    """Whether the box of a layer teaches a parameter."""
    boxes = detector(padded_view()).boxes[layer]
    (gradient,) = torch.autograd.grad(boxes.square().sum(), [parameter], allow_unused=True)
    return gradient is not None and bool(gradient.any())


@pytest.mark.parametrize("variant", ["deformable", "deformable_ss"])
def test_without_refinement_every_layers_box_teaches_the_reference(variant: str) -> None:
    detector = small_detector(variant)
    assert [learns(detector, layer, detector.queries.reference.weight) for layer in range(3)] == [True] * 3


@pytest.mark.parametrize("variant", ["deformable_refine", "dab_deformable"])
def test_variants_14_with_refinement_only_the_first_layers_box_teaches_the_head_of_the_first(
    variant: str,
) -> None:
    detector = small_detector(variant)
    head = detector.box_head[0].layers[-1].weight
    assert [learns(detector, layer, head) for layer in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    "variant, live", [("dab", True), ("deformable_refine", False), ("dab_deformable", False)]
)
def test_variants_14_a_moved_reference_carries_gradient_to_the_box_only_in_dab_detr(
    variant: str, live: bool
) -> None:
    first, *moved = small_detector(variant)(padded_view()).references
    assert first.requires_grad  # anchors and points learn from the first layer's box
    assert [reference.requires_grad for reference in moved] == [live, live]


def test_variants_14_a_live_box_teaches_one_layer_back_and_the_next_layer_nothing() -> None:
    detector = small_detector("dab")
    seen: list[Tensor] = []
    place = detector.decoder._place

    def spy(layer: int, x: Tensor, position: object, reference: Tensor, memory: object) -> object:
        seen.append(reference)
        return place(layer, x, position, reference, memory)

    detector.decoder._place = spy  # type: ignore[method-assign]
    detector(padded_view())
    assert [reference.requires_grad for reference in seen] == [True, False, False]


def test_references_of_a_first_stage_carry_no_gradient() -> None:
    said = small_detector("deformable_two_stage")(padded_view())
    assert not any(reference.requires_grad for reference in said.references)
    assert said.first_stage.boxes.requires_grad


@torch.no_grad()
@pytest.mark.parametrize("side", [0.0, 1e-30])
def test_variants_16_boxes_without_extent_are_no_division_by_zero(side: float) -> None:
    detector = small_detector("dab")
    reference = torch.rand(2, 7, 4)
    reference[..., 2:] = side
    said = detector.decode(detector.encode(padded_view()), Ask(reference=reference))
    assert said.boxes.isfinite().all() and said.logits.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("variant", [name for name, row in VARIANTS.items() if row.reference])
def test_asked_references_of_another_shape_are_refused(variant: str) -> None:
    detector = small_detector(variant)
    memory = detector.encode(padded_view())
    for shape in ((2, 6, 4), (1, 7, 4), (2, 7, 3)):
        with pytest.raises(ValueError, match=r"Ask.reference has shape .*; expected \(B, Q\) = \(2, 7\)"):
            detector.decode(memory, Ask(reference=torch.rand(shape)))


@torch.no_grad()
@pytest.mark.parametrize("variant", ["deformable_refine", "dab_deformable", "deformable_two_stage"])
def test_every_layer_starts_from_the_box_of_the_one_before(variant: str) -> None:
    said = small_detector(variant)(padded_view())
    torch.testing.assert_close(said.references[1], said.boxes[0])
    torch.testing.assert_close(said.references[2], said.boxes[1])


@torch.no_grad()
@pytest.mark.parametrize("variant", ["dab", "dn_dab"])
def test_variants_15_dab_detr_moves_by_raw_states_and_answers_by_normalised_ones(variant: str) -> None:
    detector, raw = small_detector(variant), []
    for layer in detector.decoder.layers:
        layer.register_forward_hook(lambda _m, _i, out: raw.append(out))
    said, (head,) = detector(padded_view()), detector.box_head
    for layer in range(2):
        moved = place_boxes(head(raw[layer]), said.references[layer])
        torch.testing.assert_close(said.references[layer + 1], moved)
        answer = place_boxes(head(detector.decoder.norm(raw[layer])), said.references[layer])
        torch.testing.assert_close(said.boxes[layer], answer)
        assert (moved - answer).abs().max() > 1e-3


@torch.no_grad()
def test_variants_20_the_first_class_of_a_token_decides_who_is_asked_about() -> None:
    detector = small_detector("deformable_two_stage", queries=5)
    said = detector(padded_view())
    best = said.first_stage.logits[..., 0].topk(5).indices
    expected = said.first_stage.boxes.gather(1, best[..., None].expand(-1, -1, 4))
    torch.testing.assert_close(said.references[0], expected)


@torch.no_grad()
def test_variants_22_a_proposal_is_embedded_in_the_order_x_y_w_h() -> None:
    detector, seen = small_detector("deformable_two_stage", queries=1), []
    detector.queries.embed.register_forward_pre_hook(lambda _m, given: seen.append(given[0]))
    said = detector(padded_view())
    box = said.references[0][0, 0].double()
    expected = []
    for number in box.tolist():
        for k in range(32):
            angle = 2 * math.pi * number / 10000.0 ** (2 * (k // 2) / 32)
            expected.append(math.cos(angle) if k % 2 else math.sin(angle))
    assert box[0] != pytest.approx(float(box[1]), abs=0.01)
    torch.testing.assert_close(seen[0][0, 0], torch.tensor(expected), atol=1e-5, rtol=0)


@torch.no_grad()
def test_variants_21_fewer_tokens_than_queries_make_fewer_queries() -> None:
    detector = small_detector("deformable_two_stage", queries=200)
    view = padded_view(sizes=((64, 64), (32, 64)))
    tokens = detector.encode(view).tokens.shape[1]
    assert tokens < 200
    assert detector(view).boxes.shape == (3, 2, tokens, 4) and detector(view).boxes.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("place, there", [(0.005, False), (0.0101, True), (0.98, True), (0.995, False)])
def test_tokens_nearer_to_an_edge_than_a_hundredth_cannot_be_used(place: float, there: bool) -> None:
    tokens = torch.zeros(1, 2, 64)
    memory = bare_memory(tokens, torch.zeros(1, 2, dtype=torch.bool), tokens, [(1, 2)])
    memory = replace(memory, centres=torch.tensor([[[place, 0.5], [0.5, place]]]))
    assert starts(memory)[1].tolist() == [[there, there]]


@torch.no_grad()
def test_tokens_start_from_squares_that_double_with_the_level_and_say_nothing_in_padding() -> None:
    detector = small_detector("deformable_two_stage")
    memory = detector.encode(padded_view())
    boxes, usable = starts(memory)
    sides = torch.cat([torch.full((h * w,), 0.05 * 2**i) for i, (h, w) in enumerate(memory.shapes)])
    assert torch.allclose(boxes[..., 2], sides) and torch.allclose(boxes[..., 3], sides)
    assert not (usable & memory.padding).any() and usable[0].sum() > 50
    said = detector(padded_view()).first_stage
    assert (said.boxes[~usable] == 1).all() and said.boxes[usable].max() < 1
