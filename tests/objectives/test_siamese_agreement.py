"""Agreement of whole views, and the meter that sees it collapse."""

import pytest
import torch
from torch import Tensor, nn

from sdetr.objectives.siamese_agreement import Agreement
from sdetr.objectives.spread import spread
from sdetr.types import Memory
from tests.models.small import bare_memory, randomise

D = 8


def memory_of(tokens: Tensor, padding: Tensor | None = None) -> Memory:
    padding = torch.zeros(tokens.shape[:2], dtype=torch.bool) if padding is None else padding
    return bare_memory(tokens, padding, tokens, [(1, tokens.shape[1])])


def bare() -> Agreement:
    """Projector and predictor do nothing."""
    agreement = Agreement(D, 1, mimic_padded_pool=False)
    agreement.projector, agreement.predictor = nn.Sequential(), nn.Sequential()
    return agreement


def test_equal_orthogonal_and_opposite_views_cost_0_2_and_4() -> None:
    one = torch.eye(D)[:3]
    for two, cost in ((7 * one, 0.0), (torch.eye(D)[3:6], 2.0), (-one, 4.0)):
        apart, _ = bare()(memory_of(torch.cat([one, two])[:, None]))
        assert apart.tolist() == pytest.approx([cost] * 3, abs=1e-6)


class Blind(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach()


def test_gradient_comes_through_the_predictor_alone() -> None:
    agreement = randomise(Agreement(D, 1, mimic_padded_pool=False))
    memory = memory_of(torch.randn(8, 5, D).requires_grad_())
    assert agreement(memory)[0].requires_grad and not agreement(memory)[1].requires_grad
    agreement.predictor = Blind()
    assert not agreement(memory)[0].requires_grad


def test_each_view_has_batch_statistics_of_its_own() -> None:
    agreement = randomise(Agreement(D, 1, mimic_padded_pool=False)).train()
    tokens = torch.randn(8, 5, D, generator=torch.Generator().manual_seed(0))
    shifted = torch.cat([tokens[:4], 3 * tokens[4:] + 2])  # which the first norm takes away again
    agreement.projector = agreement.projector[1:]
    torch.testing.assert_close(
        agreement(memory_of(shifted))[0], agreement(memory_of(tokens))[0], atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("mimic", [False, True])
def test_siamese_t13_padding_changes_the_agreement_only_where_the_released_code_is_mimicked(
    mimic: bool,
) -> None:
    agreement = randomise(Agreement(D, 1, mimic)).eval()
    tokens = torch.randn(6, 10, D, generator=torch.Generator().manual_seed(0))
    more = torch.cat([tokens, torch.full((6, 4, D), 3.0)], dim=1)
    padding = torch.zeros(6, 14, dtype=torch.bool)
    padding[:, 10:] = True
    change = (agreement(memory_of(more, padding))[0] - agreement(memory_of(tokens))[0]).abs().max()
    assert (change > 1e-3) if mimic else (change < 1e-5)
    expected = more.mean(1) if mimic else tokens.mean(1)
    torch.testing.assert_close(agreement.pooled(memory_of(more, padding)), expected)


def test_a_single_image_is_refused_in_training_and_fine_otherwise() -> None:
    agreement, memory = Agreement(D, 1, mimic_padded_pool=False), memory_of(torch.randn(2, 5, D))
    with pytest.raises(ValueError, match="one image in a micro-batch"):
        agreement.train()(memory)
    assert agreement.eval()(memory)[0].shape == (1,)


def test_projector_and_predictor_are_as_deep_as_the_papers() -> None:
    agreement = Agreement(D, 1, mimic_padded_pool=False)
    found = [[type(layer).__name__ for layer in part] for part in (agreement.projector, agreement.predictor)]
    block = ["Linear", "BatchNorm", "ReLU"]
    assert found == [[*block, *block, "Linear", "BatchNorm"], [*block, "Linear"]]


def test_spread_is_0_for_one_vector_and_1_for_all_directions() -> None:
    assert spread(torch.ones(50, 32)) < 1e-6
    assert spread(torch.arange(1.0, 51)[:, None] * torch.ones(50, 32)) < 1e-6  # lengths do not count
    assert spread(torch.randn(5000, 32, generator=torch.Generator().manual_seed(0))) == pytest.approx(
        1, abs=0.02
    )
    assert spread(torch.ones(1, 32)) == 0
