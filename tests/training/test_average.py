import pytest
import torch

from sdetr.objectives.objective import Objective
from sdetr.training.average import Average


def test_the_average_of_weights_is_the_closed_form(toy: Objective) -> None:
    weight = toy.get_parameter("head.weight")
    begin = weight.detach().clone()
    average = Average(toy, 0.9)
    for value in (1.0, 2.0, 3.0):
        with torch.no_grad():
            weight.fill_(value)
        average.update(toy)
    expected = begin * 0.9**3 + 0.1 * (1 * 0.9**2 + 2 * 0.9 + 3)
    torch.testing.assert_close(average.module.get_parameter("head.weight"), expected)


def test_the_average_never_trains(toy: Objective) -> None:
    average = Average(toy.train(), 0.5)
    assert not average.module.training
    assert not any(parameter.requires_grad for parameter in average.module.parameters())
    assert toy.get_parameter("head.weight").requires_grad


def test_counters_are_copied_not_averaged(toy: Objective) -> None:
    toy.register_buffer("seen", torch.tensor(0))
    average = Average(toy, 0.5)
    toy.get_buffer("seen").fill_(8)
    average.update(toy)
    assert average.module.get_buffer("seen").item() == pytest.approx(8)
