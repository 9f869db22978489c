"""What the matcher refuses."""

import pytest

from sdetr.objectives.matcher import Stage, match, match_stages
from tests.objectives.problems import COST, make


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("counts", [[2, 1, 2], [2, 0, 2]])
@pytest.mark.parametrize("what, message", [("boxes", "predicted boxes"), ("logits", "class logits")])
def test_variants_6_a_prediction_that_is_not_finite_is_named(
    value: float, counts: list[int], what: str, message: str
) -> None:
    predictions, targets = make(counts)
    getattr(predictions, what)[2, 1, 3, 1] = value
    with pytest.raises(FloatingPointError, match=f"{message} of image 1001 in decoder layer 2"):
        match(predictions, targets, COST, True)


def test_variants_6_a_target_that_is_not_finite_is_named() -> None:
    predictions, targets = make([2, 2])
    targets.boxes[1, 0, 2] = float("nan")
    with pytest.raises(FloatingPointError, match="target boxes of image 1001 are not finite"):
        match(predictions, targets, COST, True)


def test_variants_6_a_guess_of_the_encoder_is_called_one() -> None:
    (said, targets), (guesses, other) = make([2]), make([2], queries=9)
    guesses.logits[0, 0, 8, 0] = float("nan")
    stages = [Stage(said, targets), Stage(guesses, other, "encoder's guess")]
    with pytest.raises(FloatingPointError, match="class logits of image 1000 in encoder's guess 0 are not"):
        match_stages(stages, COST, True)
