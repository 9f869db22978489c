"""Losses of masks against loops that a reader can check; what learns, and what does not."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sdetr.models.settings import Weights3
from sdetr.objectives.matcher import match
from sdetr.objectives.panoptic import Panoptic, mask_dice, mask_focal
from sdetr.objectives.panoptic_settings import MasksSettings
from sdetr.objectives.targets import padded_targets
from sdetr.training.update import split
from sdetr.types import View
from tests.models.small import padded_view, small_detector

SETTINGS = MasksSettings.model_validate(
    {"attention": "per_head", "weights": {"focal": 2, "dice": 3}, "confident": 0.85, "speck_px": 4}
)
SIZES = ((96, 70), (50, 160), (64, 64), (40, 96))  # of three, no, one and three objects


def objective_of(**changes: int) -> Panoptic:
    detector = small_detector("detr", mask_attention="per_head", **changes).double()
    return Panoptic(detector, SETTINGS, Weights3(label=1.0, box=5.0, giou=2.0)).eval()


def view_of(seed: int = 1) -> View:
    """Random pixels show random objects of their image, some of them none."""
    view, random = padded_view(seed, SIZES), torch.Generator().manual_seed(seed)
    shown = torch.full(view.padding.shape, -1, dtype=torch.int16)
    for i, labels in enumerate(view.labels):
        any_of = torch.randint(-1, max(1, len(labels)), shown.shape[1:], generator=random)
        shown[i] = torch.where(view.padding[i], -1, any_of) if len(labels) else -1
    return replace(view, images=view.images.double(), boxes=[b.double() for b in view.boxes], shown=shown)


def losses_of(objective: Panoptic, view: View) -> dict[str, Tensor]:
    return objective([view], objective.normaliser([[view]]))


def enlarged(cells: list[list[float]], height: int, width: int) -> list[list[float]]:
    """Bilinear, where corners of both are the same place: pixel centres between the centres of cells."""

    def ends(pixel: int, cells: int, pixels: int) -> tuple[int, int, float]:
        place = max(0.0, (pixel + 0.5) * cells / pixels - 0.5)
        low = min(int(place), cells - 1)
        return low, min(low + 1, cells - 1), place - low

    rows = [ends(y, len(cells), height) for y in range(height)]
    columns = [ends(x, len(cells[0]), width) for x in range(width)]
    return [
        [
            (1 - b) * ((1 - a) * cells[y][x] + a * cells[y][right])
            + b * ((1 - a) * cells[below][x] + a * cells[below][right])
            for x, right, a in columns
        ]
        for y, below, b in rows
    ]


def plain(objective: Panoptic, view: View) -> dict[str, float]:
    """One pixel after the other; only the pairs are taken from the matcher."""
    assert view.shown is not None
    with torch.no_grad():
        memory = objective.detector.encode(view)
        said = objective.detector.decode(memory)
        masks = objective.detector.masks(memory, said)
    pairs = match(said, padded_targets(view), objective.cost, focal=False)
    focal = dice = 0.0
    triples = (pairs.image.tolist(), pairs.query[-1].tolist(), pairs.target[-1].tolist())
    for image, query, target in zip(*triples, strict=True):
        rows = enlarged(masks[image, query].tolist(), *view.shown.shape[1:])
        wanted = (view.shown[image] == target).tolist()
        total = both = there = true = 0.0
        for line, wants in zip(rows, wanted, strict=True):
            for logit, want in zip(line, wants, strict=True):
                p = 1 / (1 + math.exp(-logit))
                right = p if want else 1 - p
                total += (0.25 if want else 0.75) * (1 - right) ** 2 * -math.log(right)
                both, there, true = both + p * want, there + p, true + want
        focal += total / view.shown[0].numel()
        dice += 1 - (2 * both + 1) / (there + true + 1)
    objects = sum(len(labels) for labels in view.labels)
    return {"focal": focal / objects, "dice": dice / objects}


@pytest.mark.parametrize("seed", [1, 2])
def test_losses_equal_plain_loops_padding_being_background(seed: int) -> None:
    objective, view = objective_of(), view_of(seed)
    found, expected = losses_of(objective, view), plain(objective, view)
    assert found.keys() == expected.keys() == objective.weights.keys()
    assert objective.weights == {"focal": 2, "dice": 3}
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value, rel=1e-9), name


def test_losses_of_micro_batches_add_up_to_those_of_the_batch() -> None:
    objective, view = objective_of(), view_of()
    whole, parts = losses_of(objective, view), [[part] for part in split(view, 2)]
    divisors = objective.normaliser(parts)
    assert divisors == objective.normaliser([[view]]) == {"mask": 7.0}
    each = [objective(part, divisors) for part in parts]
    for name, value in whole.items():
        torch.testing.assert_close(sum(losses[name] for losses in each), value)


def test_where_there_is_no_object_there_is_no_loss_and_no_gradient() -> None:
    objective = objective_of()
    view = split(view_of(), 1)[1]
    losses = losses_of(objective, view)
    assert all(loss.item() == 0 for loss in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    grads = [p.grad for p in objective.detector.mask_head.parameters()]
    assert all(grad is None or not grad.any() for grad in grads)


def test_more_objects_than_queries_have_no_mask_but_count() -> None:
    objective, view = objective_of(queries=2), view_of()
    assert objective.normaliser([[view]]) == {"mask": 7.0}
    found, expected = losses_of(objective, view), plain(objective, view)
    assert {name: loss.item() for name, loss in found.items()} == pytest.approx(expected, rel=1e-9)


def test_f25_the_mask_head_alone_learns_while_the_frozen_detector_drops_out() -> None:
    objective, view = objective_of(), view_of()
    learning = {name for name, p in objective.named_parameters() if p.requires_grad}
    assert learning == {n for n, _ in objective.named_parameters() if n.startswith("detector.mask_head.")}
    still = [losses_of(objective, view)["dice"].item() for _ in range(2)]
    assert still[0] == still[1]
    torch.manual_seed(0)
    dropping = [losses_of(objective.train(), view)["dice"].item() for _ in range(2)]
    assert len({*dropping, still[0]}) == 3
    torch.stack(list(losses_of(objective, view).values())).sum().backward()
    assert {n for n, p in objective.named_parameters() if p.grad is not None} == learning


def test_a_perfect_mask_costs_nothing_and_an_inverted_one_all() -> None:
    wanted = torch.zeros(1, 6, 8, dtype=torch.float64)
    wanted[:, 2:4, 3:7] = 1
    for sign, dice in ((1, 0.0), (-1, 1 - 1 / 49)):  # 8 pixels wanted, the 40 others said
        said = sign * 1000 * (2 * wanted - 1)
        assert mask_dice(said, wanted).item() == pytest.approx(dice, abs=1e-12)
        assert (mask_focal(said, wanted).item() < 1e-12) == (sign == 1)
        assert mask_focal(said, wanted).isfinite().all()
