"""The assignment is the cheapest one, in every layer, at the price of one copy."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from torch import Tensor

from sdetr.objectives.matcher import Pairs, Stage, match, match_stages, pair_costs
from sdetr.objectives.targets import Targets
from tests.objectives.plain import corners, plain_giou
from tests.objectives.problems import COST, make


def as_dicts(pairs: Pairs, counts: list[int]) -> list[list[dict[int, int]]]:
    """layer → image → object → query."""
    answer = [[{} for _ in counts] for _ in pairs.query]
    for layer in range(len(pairs.query)):
        rows = zip(pairs.image, pairs.target[layer], pairs.query[layer], strict=True)
        for image, target, query in rows:
            answer[layer][int(image)][int(target)] = int(query)
    return answer


@pytest.mark.parametrize("focal", [True, False])
@pytest.mark.parametrize("counts, queries", [([3, 0, 1], 5), ([4], 4), ([6, 2], 3)])
def test_no_permutation_is_cheaper(focal: bool, counts: list[int], queries: int) -> None:
    predictions, targets = make(counts, queries, focal)
    pairs = match(predictions, targets, COST, focal)
    costs = pair_costs(predictions, targets, COST, focal).double()
    for layer, images in enumerate(as_dicts(pairs, counts)):
        for image, chosen in enumerate(images):
            table = costs[layer, image, : counts[image]]
            assert len(chosen) == min(counts[image], queries) == len(set(chosen.values()))
            found = sum(float(table[target, query]) for target, query in chosen.items())
            assert found == pytest.approx(cheapest(table), abs=1e-5)


def cheapest(table: Tensor) -> float:
    """Brute force over all assignments of the shorter side."""
    rows, columns = sorted(table.shape)
    table = table if table.shape == (rows, columns) else table.T
    return min(
        sum(float(table[i, j]) for i, j in enumerate(order)) for order in permutations(range(columns), rows)
    )


@pytest.mark.parametrize("focal", [True, False])
@pytest.mark.parametrize("target", [0, 1])
def test_a_cost_is_the_formula(focal: bool, target: int) -> None:
    predictions, targets = make([3, 2], focal=focal)
    costs = pair_costs(predictions, targets, COST, focal)
    layer, image, query = 2, 1, 3
    logits, label = predictions.logits[layer, image, query], int(targets.labels[image, target])
    said, wanted = predictions.boxes[layer, image, query], targets.boxes[image, target]
    if focal:
        p = float(logits[label].sigmoid())
        class_cost = 0.25 * (1 - p) ** 2 * -torch.tensor(p + 1e-8).log()
        class_cost -= 0.75 * p**2 * -torch.tensor(1 - p + 1e-8).log()
    else:
        class_cost = -logits.softmax(-1)[label]
    one, two = corners(said.tolist()), corners(wanted.tolist())
    expected = 2 * float(class_cost) + 5 * float((said - wanted).abs().sum()) - 2 * plain_giou(one, two)
    assert float(costs[layer, image, target, query]) == pytest.approx(expected, abs=1e-5)


def test_permuting_objects_permutes_pairs_only() -> None:
    predictions, targets = make([4, 4])
    order = torch.tensor([2, 0, 3, 1])
    moved = replace(targets, labels=targets.labels[:, order], boxes=targets.boxes[:, order])
    before = as_dicts(match(predictions, targets, COST, True), [4, 4])
    after = as_dicts(match(predictions, moved, COST, True), [4, 4])
    for layer_before, layer_after in zip(before, after, strict=True):
        for one, two in zip(layer_before, layer_after, strict=True):
            assert {new: one[int(old)] for new, old in enumerate(order)} == two


def test_permuting_queries_permutes_pairs_only() -> None:
    predictions, targets = make([3, 2])
    order = torch.tensor([4, 2, 0, 1, 3])
    shuffled = replace(
        predictions, logits=predictions.logits[:, :, order], boxes=predictions.boxes[:, :, order]
    )
    before, after = (match(said, targets, COST, True) for said in (predictions, shuffled))
    assert torch.equal(order[after.query], before.query)


def test_what_stands_in_padded_rows_never_matters() -> None:
    predictions, targets = make([4, 1])
    other = replace(targets, labels=targets.labels.clone(), boxes=targets.boxes.clone())
    other.labels[1, 1:] = 0
    other.boxes[1, 1:] = 0
    before, after = (match(predictions, t, COST, True) for t in (targets, other))
    assert torch.equal(before.query, after.query) and torch.equal(before.target, after.target)


def test_every_layer_has_its_own_pairs() -> None:
    predictions, targets = make([4, 4], queries=5)
    alone = [
        match(replace(predictions, logits=predictions.logits[i : i + 1], boxes=predictions.boxes[i : i + 1]),
              targets, COST, True).query[0]
        for i in range(3)
    ]  # fmt: skip
    together = match(predictions, targets, COST, True).query
    assert torch.equal(together, torch.stack(alone))
    assert not torch.equal(together[0], together[1])


def test_stages_are_matched_together_as_if_alone() -> None:
    one, two = make([3, 1], queries=5), make([3, 1], queries=8, seed=1)
    together = match_stages([Stage(*one), Stage(*two)], COST, True)
    for found, stage in zip(together, (one, two), strict=True):
        alone = match(*stage, COST, True)
        assert torch.equal(found.query, alone.query) and torch.equal(found.target, alone.target)
        assert torch.equal(found.image, alone.image)


@pytest.mark.parametrize("counts", [[0], [0, 0]])
def test_nothing_to_find_is_no_pair(counts: list[int]) -> None:
    predictions, targets = make(counts)
    pairs = match(predictions, targets, COST, True)
    assert pairs.image.shape == (0,) and pairs.query.shape == pairs.target.shape == (3, 0)


def test_two_equal_images_match_like_one() -> None:
    predictions, targets = make([3])
    twice = replace(
        predictions, logits=predictions.logits.repeat(1, 2, 1, 1), boxes=predictions.boxes.repeat(1, 2, 1, 1)
    )
    doubled = Targets(targets.labels.repeat(2, 1), targets.boxes.repeat(2, 1, 1), [3, 3], [1, 2])
    one, two = match(predictions, targets, COST, True), match(twice, doubled, COST, True)
    assert torch.equal(two.query, one.query.repeat(1, 2))
