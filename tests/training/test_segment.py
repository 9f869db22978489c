"""Segments of answers: loops are the judge; nothing found is an answer; ranks agree to the bit."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as rle
from torch import Tensor
from torch.nn.functional import interpolate

from sdetr.data.dataset import Dataset
from sdetr.data.prepare import prepare
from sdetr.data.settings import DatasetSettings, ResizeSettings
from sdetr.data.transforms import centred
from sdetr.evaluation.panoptic import panoptic_quality
from sdetr.models.answers import Answers
from sdetr.models.detector import Detector
from sdetr.objectives.panoptic_settings import MasksSettings
from sdetr.training.infer import predict
from sdetr.training.segment import answer_masks, segment, segmented
from tests.models.small import model_settings, randomise, trunk_settings
from tests.training.test_infer import Dealt

THINGS = torch.tensor([True, True, False, False])
SHAPE, SIZE = (24, 32), (30, 44)


def settings(**changes: Any) -> MasksSettings:
    said = {"attention": "per_head", "weights": {"focal": 1, "dice": 1}, "confident": 0.85, "speck_px": 4}
    return MasksSettings.model_validate(said | changes)


def logits_of(labels: list[int], sure: float = 9.0) -> Tensor:
    """(Q, 5): each says its label, the last of which is no object."""
    logits = torch.zeros(len(labels), 5)
    logits[torch.arange(len(labels)), torch.tensor(labels)] = sure
    return logits


def nearest_of(old: int, new: int) -> list[int]:
    """Of every pixel of a line, which of the old ones its centre lies in; on an edge, the later one."""
    return [int((i + Fraction(1, 2)) * Fraction(old, new)) for i in range(new)]


@pytest.mark.parametrize("old, new", [(10, 6), (24, 31), (800, 479), (7, 7), (3, 100)])
def test_segments_are_resized_as_pil_does_whose_sums_round_where_a_centre_lies_on_an_edge(
    old: int, new: int
) -> None:
    line = np.arange(old, dtype=np.int32)[None]
    theirs = np.asarray(Image.fromarray(line).resize((new, 1), Image.Resampling.NEAREST))[0]
    ours = centred(torch.from_numpy(line), (1, new))[0]
    assert ours.tolist() == nearest_of(old, new)
    inside = [(i + Fraction(1, 2)) * Fraction(old, new) % 1 != 0 for i in range(new)]
    assert (ours.numpy() == theirs)[inside].all() and any(inside)


def plain(
    logits: Tensor, masks: Tensor, shape: tuple[int, int], size: tuple[int, int], speck: int
) -> set[tuple[int, frozenset[tuple[int, int]]]]:
    """(label, pixels) of every segment."""
    chances = logits.softmax(-1)
    queries = [q for q in range(len(logits)) if chances[q].argmax() < 4 and chances[q].max() > 0.85]
    large = {
        q: interpolate(masks[None, None, q], shape, mode="bilinear", align_corners=False)[0, 0]
        for q in queries
    }
    label = {q: int(chances[q].argmax()) for q in queries}
    while queries:
        pixels: dict[Any, set[tuple[int, int]]] = {}
        for y in range(size[0]):
            for x in range(size[1]):
                there = nearest_of(shape[0], size[0])[y], nearest_of(shape[1], size[1])[x]
                best = max(queries, key=lambda q: (float(large[q][there]), -q))
                name = best if THINGS[label[best]] else ("stuff", label[best])
                pixels.setdefault(name, set()).add((y, x))
        small = [
            q for q in queries if len(pixels.get(q if THINGS[label[q]] else ("stuff", label[q]), ())) <= speck
        ]
        if not small:
            return {
                (name[1] if isinstance(name, tuple) else label[name], frozenset(mine))
                for name, mine in pixels.items()
            }
        queries = [q for q in queries if q not in small]
    return set()


def as_set(ids: Tensor, labels: list[int]) -> set[tuple[int, frozenset[tuple[int, int]]]]:
    return {
        (label, frozenset((int(y), int(x)) for y, x in (ids == number).nonzero().tolist()))
        for number, label in enumerate(labels, 1)
    }


@pytest.mark.parametrize("seed", range(12))
def test_segments_are_those_of_plain_loops(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 5, (9,), generator=random).tolist()
    logits = logits_of(labels) + torch.randn(9, 5, generator=random)
    logits[0] = 0.1 * logits[0]  # one that is not sure
    masks = torch.randn(9, 6, 8, generator=random) * torch.rand(9, 1, 1, generator=random) ** 3
    speck = (4, 60, 200)[seed % 3]
    ids, found = segmented(logits, masks, SHAPE, SIZE, THINGS, settings(speck_px=speck))
    assert ids.shape == SIZE
    expected = plain(logits, masks, SHAPE, SIZE, speck)
    assert as_set(ids, found) == expected
    assert len(found) == len(expected) and (ids > 0).all() == bool(found)


def blocks(*tops: tuple[int, int, int, int]) -> Tensor:
    """(Q, 24, 32) logits: each query is loud in its rectangle (y, x, height, width)."""
    masks = torch.full((len(tops), *SHAPE), -5.0)
    for q, (y, x, height, width) in enumerate(tops):
        masks[q, y : y + height, x : x + width] = 5.0 + q
    return masks


def test_updetr_t17_stuff_is_one_segment_also_after_something_was_removed() -> None:
    """Two queries say grass, a third one is a speck; the fourth, another speck, lies upon the first."""
    masks = blocks((0, 0, 24, 16), (0, 16, 24, 16), (3, 3, 2, 2), (9, 20, 1, 3))
    ids, labels = segmented(logits_of([2, 2, 0, 3]), masks, SHAPE, SHAPE, THINGS, settings())
    assert labels == [2] and (ids == 1).all()
    # pixels of a query whose stuff is large stay with it, though it has few of them itself
    ids, labels = segmented(
        logits_of([2, 1, 2]),
        blocks((0, 0, 24, 16), (0, 16, 24, 16), (9, 20, 1, 3)),
        SHAPE,
        SHAPE,
        THINGS,
        settings(),
    )
    assert labels == [2, 1] and (ids == 1).sum() == 24 * 16 + 3


def test_updetr_t18_where_nobody_is_sure_there_is_no_segment() -> None:
    masks = blocks((0, 0, 24, 32), (0, 0, 4, 4))
    for logits in (logits_of([4, 4]), logits_of([0, 2], sure=1.0)):
        ids, labels = segmented(logits, masks, SHAPE, SIZE, THINGS, settings())
        assert labels == [] and ids.shape == SIZE and not ids.any()
    ids, labels = segmented(logits_of([0, 1]), masks, SHAPE, SHAPE, THINGS, settings(speck_px=10**6))
    assert labels == [] and not ids.any()


def test_four_pixels_are_a_speck_and_five_are_not() -> None:
    for width, expected in ((4, [2]), (5, [2, 0])):
        masks = blocks((0, 0, 24, 32), (7, 7, 1, width))
        assert segmented(logits_of([2, 0]), masks, SHAPE, SHAPE, THINGS, settings())[1] == expected


def test_a_score_has_to_be_higher_than_the_threshold_and_things_of_a_class_stay_apart() -> None:
    masks, logits = blocks((0, 0, 24, 32), (0, 16, 24, 16)), logits_of([0, 0])
    score = float(logits.softmax(-1).max())
    for confident, count in ((score, 0), (score - 1e-6, 2)):
        labels = segmented(logits, masks, SHAPE, SHAPE, THINGS, settings(confident=confident))[1]
        assert labels == [0] * count


def test_the_order_of_queries_changes_only_numbers() -> None:
    random = torch.Generator().manual_seed(3)
    logits = logits_of([0, 2, 2, 1, 3, 0, 4])
    masks = torch.randn(7, 6, 8, generator=random)
    order = torch.randperm(7, generator=random)
    one = segmented(logits, masks, SHAPE, SIZE, THINGS, settings())
    two = segmented(logits[order], masks[order], SHAPE, SIZE, THINGS, settings())
    assert as_set(*one) == as_set(*two)


def test_an_answers_mask_is_what_its_query_says_more_likely_than_not() -> None:
    masks = torch.randn(5, 6, 8, generator=torch.Generator().manual_seed(0))
    answers = Answers(torch.ones(3), torch.zeros(3), torch.zeros(3, 4), torch.tensor([4, 0, 2]))
    found = answer_masks(answers, masks, SHAPE, SIZE)
    for number, query in enumerate((4, 0, 2)):
        large = interpolate(masks[None, None, query], SHAPE, mode="bilinear", align_corners=False)[0, 0]
        likely = (large.sigmoid() > 0.5).double()
        expected = interpolate(likely[None, None], SIZE, mode="nearest")[0, 0]
        assert torch.equal(found[number].double(), expected)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = {"kind": "scenes", "images": 7, "size": [48, 64], "objects": [1, 3], "object_px": [16, 30]}
    recipe |= {"visible": 0.8, "odd": 0.5, "split": "val", "seed": 0}
    said = {"layout": "coco", "split": "val", "panoptic": "annotations/panoptic_val2017.json"}
    said |= {"generate": recipe, "classes": ["striped-disc", "dotted-square"]}
    path = tmp_path_factory.mktemp("raw") / "panoptic/val.json"
    prepare(DatasetSettings.model_validate(said), "panoptic", path)
    return path


RESIZE = ResizeSettings(short=40, longest=64)


def detector_of(dataset: Dataset) -> Detector:
    settings = model_settings("detr", mask_attention="per_head", width=32, heads=2)
    return randomise(Detector(settings, trunk_settings(arch="resnet18"), len(dataset.classes))).eval()


def test_boxes_are_those_without_masks_and_every_answer_has_one_of_its_image(index: Path) -> None:
    dataset = Dataset(index)
    detector = detector_of(dataset)
    found, segments = segment(detector, dataset, RESIZE, settings(confident=0.3), 5)
    alone = predict(detector, dataset, RESIZE, 5)
    for name, column in alone.items():
        np.testing.assert_array_equal(found[name], column)
    sizes = dict(zip(dataset.ids, dataset.sizes, strict=True))
    assert set(segments) == set(dataset.ids) and any(one.label for one in segments.values())
    for image_id, runs in zip(found["image_id"], found["mask"], strict=True):
        decoded = rle.decode({"size": list(sizes[image_id]), "counts": runs.encode()})
        assert decoded.shape == sizes[image_id]
    for image_id, one in segments.items():
        cut = one.segments(sizes[image_id])
        assert set(np.unique(cut.ids)) == ({*one.id} or {0})
    assert panoptic_quality(index, segments).keys() >= {"PQ", "PQ-th", "PQ-st"}
    assert "mask" not in segment(detector, dataset, RESIZE, settings(), 5, runs=False)[0]


@pytest.mark.parametrize("most, world", [(16, 2), (1, 3)])
def test_ranks_segment_together_as_one_does_alone_to_the_bit(
    index: Path, monkeypatch: pytest.MonkeyPatch, most: int, world: int
) -> None:
    from sdetr.data import loader

    views = loader.test_views
    monkeypatch.setattr(
        "sdetr.training.segment.test_views", lambda *given, **how: views(*given, most=most, **how)
    )
    dataset = Dataset(index)
    detector, how = detector_of(dataset), (RESIZE, settings(confident=0.3), 5)
    left: list[Any] = []
    for rank in range(1, world):
        assert segment(detector, dataset, *how, ranks=Dealt(rank, world, left)) == ({}, {})
    together, segments = segment(detector, dataset, *how, ranks=Dealt(0, world, left))
    alone, expected = segment(detector, dataset, *how)
    assert together.keys() == alone.keys() and list(segments) == list(expected)
    assert segments == expected
    for name, column in alone.items():
        np.testing.assert_array_equal(together[name], column)
