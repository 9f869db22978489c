from pathlib import Path

import pytest
import torch
from torch import nn

from sdetr.interop.weights import load_exactly, read_weights, save_weights


def test_others_may_read_what_everybody_may_read(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    save_weights(nn.Linear(3, 2), tmp_path / "w.safetensors", {})
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_weights_and_what_they_say_come_back(tmp_path: Path) -> None:
    layer = nn.Linear(3, 2)
    layer.weight.data = torch.randn(3, 2).T  # not contiguous
    save_weights(layer, tmp_path / "w.safetensors", {"kind": "layer"})
    tensors, metadata = read_weights(tmp_path / "w.safetensors")
    assert metadata == {"kind": "layer"}
    other = nn.Linear(3, 2)
    load_exactly(other, tensors, "w")
    assert torch.equal(other.weight, layer.weight)
    assert torch.equal(other.bias, layer.bias)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    layer = nn.Linear(3, 2)
    said = {f"key{i}": f"wörter {i}" for i in range(6)}
    for i in range(8):
        save_weights(layer, tmp_path / f"{i}", said)
    assert len({(tmp_path / f"{i}").read_bytes() for i in range(8)}) == 1
    assert read_weights(tmp_path / "0")[1] == said


def test_fault_49_a_truncated_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(nn.Linear(30, 20), path, {})
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match=r"w.safetensors is no whole safetensors file .*make it again"):
        read_weights(path)


def test_long_tables_are_cut_with_a_count() -> None:
    tensors = {f"layer{i}": torch.zeros(1) for i in range(50)}
    with pytest.raises(ValueError, match="and 30 more") as caught:
        load_exactly(nn.Linear(1, 1), tensors, "w")
    assert str(caught.value).count("\n") == 2 + 20 + 1
