"""What holds for every detector of params/models: padding is nothing, and images are strangers."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.models.two_stage import ProposalQueries
from sdetr.types import Memory
from tests.models.small import MODELS, padded_view, randomise, settings_of, trunk_settings

SMALL, LARGE = (96, 128), (160, 192)
"""Pixels, in both of which a cell of every level is all image or all padding."""
CELLS = {SMALL: [(12, 16), (6, 8), (3, 4), (2, 2)], LARGE: [(20, 24), (10, 12), (5, 6), (3, 3)]}
CLOSE = {"atol": 1e-5, "rtol": 0.0}


@pytest.fixture(scope="module", params=MODELS)
def detector(request: pytest.FixtureRequest) -> Detector:
    return made(request.param)


def made(model: str) -> Detector:
    trunk = trunk_settings(arch="resnet18", width=8, stages=3)
    return randomise(Detector(settings_of(model, "smoke"), trunk, 3)).eval()


def encoded(detector: Detector, size: tuple[int, int]) -> Memory:
    """Two images, of 96×128 and 64×96 pixels, padded to `size`; loud noise where cells are padding."""
    padding = torch.ones(2, *size, dtype=torch.bool)
    padding[0, :96, :128] = padding[1, :64, :96] = False
    count = detector.row.levels
    levels = [_level(detector.width, cells, 7 + i) for i, cells in enumerate(CELLS[size][:count])]
    memory: Memory = detector.tokens(levels, padding, [])
    memory = replace(memory, tokens=torch.where(memory.padding[..., None], 9.0, memory.tokens))
    return replace(memory, tokens=detector.encoder(memory))


def _level(width: int, cells: tuple[int, int], seed: int) -> Tensor:
    """(2, D, h, w), the same in the upper left corner whatever the size."""
    whole = torch.randn(2, width, 20, 24, generator=torch.Generator().manual_seed(seed))
    return whole[:, :, : cells[0], : cells[1]]


@torch.no_grad()
def test_padded_tokens_change_no_box(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(detector.queries, ProposalQueries):
        detector = ranked(detector, unusable_first=False)  # else trap 21, below
    if detector.row.deformable and detector.row.queries == "anchors":  # trap 17, below
        monkeypatch.setattr("sdetr.models.decoder.on_levels", lambda reference, _valid: reference[:, :, None])
    small, large = encoded(detector, SMALL), encoded(detector, LARGE)
    assert large.padding.sum() > small.padding.sum() > 0
    torch.testing.assert_close(large.tokens[~large.padding], small.tokens[~small.padding], **CLOSE)
    one, two = detector.decode(small), detector.decode(large)
    assert one.boxes.std() > 0.02
    torch.testing.assert_close(two.boxes, one.boxes, **CLOSE)
    torch.testing.assert_close(two.logits, one.logits, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("model", ["dab_deformable", "dn_dab_deformable"])
def test_variants_17_anchors_of_deformable_detectors_are_placed_in_padding_and_all(model: str) -> None:
    detector = made(model)
    one, two = (detector.decode(encoded(detector, size)) for size in (SMALL, LARGE))
    assert (two.boxes - one.boxes).abs().max() > 1e-3


@torch.no_grad()
def test_variants_21_tokens_that_cannot_be_used_may_be_chosen() -> None:
    detector = ranked(made("deformable_two_stage"), unusable_first=True)
    one, two = (detector.decode(encoded(detector, size)) for size in (SMALL, LARGE))
    assert (two.references[0] == 1).all()  # the box that stands for "nowhere"
    assert (one.references[0][0] < 1).all()  # the first image has no padding at its own size
    assert (two.boxes - one.boxes).abs().max() > 1e-3


@torch.no_grad()
def test_permuting_the_batch_permutes_the_answers(detector: Detector) -> None:
    view = padded_view(sizes=((96, 70), (50, 160), (64, 64)))
    order = [2, 0, 1]
    moved = replace(view, images=view.images[order], padding=view.padding[order])
    said, other = detector(view), detector(moved)
    assert (said.boxes - other.boxes).abs().max() > 1e-2
    torch.testing.assert_close(other.boxes, said.boxes[:, order], atol=1e-6, rtol=0)
    torch.testing.assert_close(other.logits, said.logits[:, order], **CLOSE)


def ranked(detector: Detector, unusable_first: bool) -> Detector:
    """A copy to which all tokens that cannot be used look like the best, or the worst, place to ask about."""
    detector = copy.deepcopy(detector)
    queries = detector.queries
    assert isinstance(queries, ProposalQueries)
    nothing = queries.feature_norm(queries.feature.bias)  # what is said of a token of zeros
    detector.class_head[-1].weight[0] = nothing if unusable_first else -nothing
    return detector
