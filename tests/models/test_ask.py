"""What is asked for enters where the variant says, and nowhere else."""

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from sdetr.types import Ask
from tests.models.small import padded_view, small_detector

POINTS = [name for name, row in VARIANTS.items() if row.reference == "point"]


@pytest.fixture(scope="module", params=list(VARIANTS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return small_detector(request.param)


@torch.no_grad()
def test_variants_45_what_is_asked_answers_its_own_image_only(detector: Detector) -> None:
    memory = detector.encode(padded_view())
    feature = torch.zeros(2, 7, 64)
    feature[1] = torch.randn(7, 64)
    change = detector.decode(memory, detector.asked(feature)).hidden - detector.decode(memory).hidden
    assert change[:, 0].abs().max() < 1e-5 < 1e-2 < change[:, 1].abs().max()


@torch.no_grad()
@pytest.mark.parametrize("variant", POINTS)
def test_an_asked_position_moves_the_reference_and_content_does_not(variant: str) -> None:
    detector = small_detector(variant)
    memory = detector.encode(padded_view())
    asked = torch.randn(2, 7, 64)
    before = detector.decode(memory).references
    expected = detector.queries.reference(detector.queries.position + asked).sigmoid()
    torch.testing.assert_close(detector.decode(memory, Ask(position=asked)).references[0], expected)
    assert torch.equal(detector.decode(memory, Ask(content=asked)).references[0], before[0])
    assert (expected - before[0]).abs().max() > 0.01


@torch.no_grad()
@pytest.mark.parametrize(
    "variant, slot",
    [(variant, "position") for variant in ("detr", *POINTS)]
    + [(variant, "content") for variant in ("deformable", "dab_deformable")],
)
def test_what_is_asked_is_the_same_as_what_is_learned(variant: str, slot: str) -> None:
    detector = small_detector(variant)
    memory = detector.encode(padded_view())
    asked = torch.randn(7, 64)
    with_ask = detector.decode(memory, Ask(**{slot: asked.expand(2, -1, -1)})).boxes
    learned = detector.queries.get_parameter(slot)
    before = detector.decode(memory).boxes
    learned += asked
    torch.testing.assert_close(with_ask, detector.decode(memory).boxes)
    assert (with_ask - before).abs().max() > 1e-3


@pytest.mark.parametrize("variant", ["dab", "dab_deformable"])
def test_anchors_have_no_position_to_ask_for(variant: str) -> None:
    detector = small_detector(variant)
    with pytest.raises(ValueError, match="anchors have none of their own; ask by content or by reference"):
        detector.decode(detector.encode(padded_view()), Ask(position=torch.zeros(2, 7, 64)))


@torch.no_grad()
@pytest.mark.parametrize("width", [2, 4])
def test_an_asked_reference_replaces_the_learned_one(width: int) -> None:
    detector = small_detector("conditional")
    for parameter in detector.box_head[0].layers[-1].parameters():
        parameter.zero_()  # so that boxes are their references
    reference = 0.1 + 0.8 * torch.rand(2, 7, width)
    said = detector.decode(detector.encode(padded_view()), Ask(reference=reference))
    assert all(torch.equal(one, reference) for one in said.references)
    torch.testing.assert_close(said.boxes[..., :width], reference.expand(3, -1, -1, -1), atol=1e-5, rtol=0)


def test_a_reference_is_refused_where_there_is_none() -> None:
    detector = small_detector("detr")
    with pytest.raises(ValueError, match="reference was asked for"):
        detector.decode(detector.encode(padded_view()), Ask(reference=torch.rand(2, 7, 2)))


@pytest.mark.parametrize("slot", ["position", "content"])
@pytest.mark.parametrize("shape", [(7, 64), (1, 7, 64), (2, 6, 64)])
def test_asked_tensors_of_another_shape_are_refused(slot: str, shape: tuple[int, ...]) -> None:
    detector = small_detector("detr")
    memory = detector.encode(padded_view())
    with pytest.raises(ValueError, match=rf"Ask.{slot} has shape .* \(B, Q, D\) = \(2, 7, 64\)"):
        detector.decode(memory, Ask(**{slot: torch.zeros(shape)}))
