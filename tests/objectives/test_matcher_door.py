"""What the matcher refuses, and what it costs the device."""

import pytest
from torch import Tensor

from sdetr.objectives.matcher import match
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


def test_one_matching_is_one_copy_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    predictions, targets = make([3, 0, 2])
    copies: list[str] = []
    for name in ("cpu", "item", "tolist", "__bool__", "__int__", "__float__", "nonzero"):
        original = getattr(Tensor, name)

        def counted(self: Tensor, *rest: object, _name: str = name, _original: object = original) -> object:
            copies.append(_name)
            return _original(self, *rest)  # type: ignore[operator]

        monkeypatch.setattr(Tensor, name, counted)
    match(predictions, targets, COST, True)
    assert copies == ["cpu"]
