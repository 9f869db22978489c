"""What deformable attention keeps for the backward pass, and where it may not round."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from sdetr.models.deformable import sample
from tests.models.small import bare_memory, padded_view, randomise, small_detector
from tests.models.test_deformable import SHAPES, attention, inputs, memory


@pytest.mark.parametrize("variant", ["deformable", "dab_deformable"])
def test_samples_taken_again_in_the_backward_pass_change_nothing(variant: str) -> None:
    answers, gradients = [], []
    for recompute in (False, True):
        detector = small_detector(variant, dropout=0.0, recompute_samples=recompute)
        answers.append(detector(padded_view()).boxes)
        answers[-1].square().sum().backward()
        gradients.append({name: p.grad for name, p in detector.named_parameters() if p.grad is not None})
    assert torch.equal(*answers) and gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


def kept_bytes(recompute: bool, monkeypatch: pytest.MonkeyPatch) -> int:
    """What a layer of the published width keeps for the backward pass, parameters aside."""
    made = attention(width=256, recompute_samples=recompute)
    own = {p.untyped_storage().data_ptr() for p in made.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    def kept_by_arguments(function: Any, *given: Any, **rest: Any) -> Any:
        for tensor in given[:-1]:
            keep(tensor)  # a checkpoint holds its arguments, which no hook sees
        return checkpoint(function, *given, **rest)

    monkeypatch.setattr("sdetr.models.deformable.checkpoint", kept_by_arguments)
    known = bare_memory(torch.randn(1, 639, 256), torch.zeros(1, 639, dtype=torch.bool), torch.zeros(()),
                        [(20, 24), (10, 12), (5, 6), (3, 3)])  # fmt: skip
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        made.mix(known.tokens, torch.rand(1, 639, 4, 2), known.tokens, known)
    return sum(kept.values())


def test_a_layer_that_takes_samples_again_keeps_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_bytes(True, monkeypatch) < 0.25 * kept_bytes(False, monkeypatch)


@torch.no_grad()
def test_variants_p1_samples_are_taken_in_float32_under_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, taken = set(), F.grid_sample

    def spy(cells: Tensor, grid: Tensor, **rest: Any) -> Tensor:
        out = taken(cells, grid, **rest)
        seen.update({cells.dtype, grid.dtype, out.dtype})
        return out

    monkeypatch.setattr(F, "grid_sample", spy)
    made, one = randomise(attention()), memory()
    one = replace(one, tokens=one.tokens[:1], padding=one.padding[:1])  # alone, its values have strides
    query, reference = torch.randn(1, 5, 64), torch.rand(1, 5, 4, 2)
    expected = made.mix(query, reference, one.tokens, one)
    with torch.autocast("cpu", torch.bfloat16):
        said = made.mix(query, reference, one.tokens, one)
    assert seen == {torch.float32}
    assert (said - expected).abs().max() < 0.03 * expected.abs().max()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_samples_and_their_gradients_are_the_same_on_a_gpu(device: str) -> None:
    if not getattr(torch, device).is_available():
        pytest.skip(f"torch finds no {device} here")
    host, there = (
        [tensor.float().to(where).requires_grad_() for tensor in inputs()] for where in ("cpu", device)
    )
    answers = [sample(*tensors, SHAPES) for tensors in (host, there)]
    torch.testing.assert_close(answers[1].cpu(), answers[0], atol=1e-5, rtol=1e-5)
    gradients = [torch.autograd.grad(answer.square().sum(), given)
                 for answer, given in zip(answers, (host, there), strict=True)]  # fmt: skip
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(two.cpu(), one, atol=1e-4, rtol=1e-4)


EXACT = {  # what says where something is: 8 bits would round it to whole pixels
    "deformable": ["offsets", "weights", "reference", "box_head"],
    "deformable_refine": ["offsets", "weights", "box_head"],
    "deformable_two_stage": ["offsets", "box_head", "class_head", "embed"],
    "conditional": ["reference", "box_head", "class_head"],
    "dab": ["box_head", "class_head"],
}


@torch.no_grad()
@pytest.mark.parametrize("variant", EXACT)
def test_what_says_where_is_computed_in_float32_under_autocast(variant: str) -> None:
    detector, seen = small_detector(variant), set()

    def spy(name: str) -> Any:
        return lambda _m, _i, out: seen.add((name, out.dtype))

    for path, module in detector.named_modules():
        for name in EXACT[variant]:
            if name in path.split(".") and isinstance(module, torch.nn.Linear):
                module.register_forward_hook(spy(name))
    with torch.autocast("cpu", torch.bfloat16):
        said = detector(padded_view())
    assert seen == {(name, torch.float32) for name in EXACT[variant]}
    assert {reference.dtype for reference in said.references} | {said.boxes.dtype} == {torch.float32}
