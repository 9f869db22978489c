"""What a weight cannot be is refused by its key, before anything is made of it."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sdetr.interop.detectors import load_detector
from tests.interop.theirs import bring, official_state
from tests.models.small import small_detector

KEY = "transformer.encoder.layers.0.norm1.bias"


def faulty(fault: str, tensor: Tensor) -> Tensor:
    match fault:
        case "complex64":
            return tensor.to(torch.complex64)
        case "int64":
            return tensor.long()
        case "qint8":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)
        case "has a shape, but no numbers":
            return tensor.to("meta")
        case "only 1 numbers are stored":
            return torch.zeros(()).expand(10**6, 10**6)
        case _:
            return tensor.double().index_fill(0, torch.tensor(3), float(fault))


@pytest.mark.parametrize(
    "fault",
    [
        "complex64",
        "int64",
        "qint8",
        "has a shape, but no numbers",
        "only 1 numbers are stored",
        "nan",
        "-inf",
        "1e39",
    ],
)
def test_what_a_weight_cannot_be_is_refused_by_its_key(tmp_path: Path, fault: str) -> None:
    state = official_state(small_detector("detr"), "detr")
    state[KEY] = faulty(fault, state[KEY])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save({"model": state}, tmp_path / "x.pth")
    words = "has numbers that are not finite" if fault in ("nan", "-inf", "1e39") else fault
    with pytest.raises(ValueError, match=rf"x\.pth: {KEY} .*{words}.*, expected finite"):
        bring(tmp_path / "x.pth", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pth"]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_other_widths_are_weights(tmp_path: Path, kind: torch.dtype) -> None:
    state = official_state(small_detector("detr"), "detr")
    torch.save(
        {"model": {k: v.to(kind) if v.is_floating_point() else v for k, v in state.items()}},
        tmp_path / "x.pth",
    )
    brought, _ = load_detector(bring(tmp_path / "x.pth", tmp_path / "out"))
    found = official_state(brought, "detr")
    assert found.keys() == state.keys()
    for key, tensor in state.items():
        wanted = tensor.to(kind).to(tensor.dtype) if tensor.is_floating_point() else tensor
        assert torch.equal(found[key], wanted), key
