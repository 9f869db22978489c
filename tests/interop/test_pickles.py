"""Hostile weights (variants P3): nothing in a file runs, and what it would have called is named."""

import argparse
import collections
import io
import os
import pathlib
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.interop.pickles import read_pickle, read_state
from tests.interop.theirs import bring, hugging_face

WEIGHTS = {"a": torch.ones(2)}


class Call:
    """Pickled, it is a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def hostile(canary: Path) -> dict[str, Any]:
    create = Call(os.system, (f"touch {canary}",))
    return {
        "at the top": create,
        "beside weights": {"model": WEIGHTS, "args": create},
        "inside args": {"model": WEIGHTS, "args": argparse.Namespace(lr=1e-4, hook=create)},
        "as args' state": {"model": WEIGHTS, "args": Call(argparse.Namespace, (), {"lr": create})},
        "as args' items": {"model": WEIGHTS, "args": Call(argparse.Namespace, (), None, iter([create]))},
        "among weights": {"model": {"a": create}},
        "by eval": {"model": WEIGHTS, "args": Call(eval, (f"open({str(canary)!r}, 'w')",))},
        "by getattr": {"model": WEIGHTS, "args": Call(getattr, (argparse.Namespace, "__init__"))},
        "by a path": {"model": WEIGHTS, "args": Call(pathlib.Path.touch, (canary,))},
        "by torch.load": {"model": WEIGHTS, "args": Call(torch.load, (str(canary),))},
    }


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", hostile(Path("x")))
def test_fault_57_a_call_in_a_file_is_refused_by_name_and_not_made(
    tmp_path: Path, canary: Path, where: str, zipped: bool
) -> None:
    path = tmp_path / "hostile.pth"
    torch.save(hostile(canary)[where], path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"hostile\.pth would call [\w.]+ while it is read") as refused:
        read_state(path)
    assert "\n" not in str(refused.value) and not canary.exists()


def test_the_call_is_one_that_would_have_worked(tmp_path: Path, canary: Path) -> None:
    """Else the canary would say nothing."""
    torch.save(hostile(canary)["inside args"], tmp_path / "hostile.pth")
    torch.load(tmp_path / "hostile.pth", weights_only=False)
    assert canary.exists()


def test_fault_57_a_pickle_without_torchs_frame_is_refused_too(tmp_path: Path, canary: Path) -> None:
    path = tmp_path / "hostile.pth"
    path.write_bytes(pickle.dumps({"model": {}, "args": hostile(canary)["at the top"]}, protocol=2))
    with pytest.raises(ValueError, match=r"would call (posix|nt)\.system"):
        read_pickle(path)
    assert not canary.exists()


def test_fault_57_a_hostile_file_in_a_folder_of_hugging_faces_is_refused(
    tmp_path: Path, canary: Path
) -> None:
    theirs = hugging_face(variant="detr")
    theirs.save_pretrained(tmp_path / "hf")
    (tmp_path / "hf" / "model.safetensors").unlink()
    torch.save(
        theirs.state_dict() | {"x": hostile(canary)["at the top"]}, tmp_path / "hf" / "pytorch_model.bin"
    )
    with pytest.raises(ValueError, match=r"pytorch_model\.bin would call"):
        bring(tmp_path / "hf", tmp_path / "x.safetensors")
    assert not canary.exists() and not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("state", [5, "words", [1, 2], (None, {"__class__": 3})])
def test_fault_57_args_of_a_forged_state_are_refused_or_empty_words(tmp_path: Path, state: Any) -> None:
    torch.save({"model": WEIGHTS, "args": Call(argparse.Namespace, (), state)}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"cannot read .*x\.pth"):
        read_state(tmp_path / "x.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_what_trainers_keep_beside_weights_is_read(tmp_path: Path, zipped: bool) -> None:
    said = {
        "lr": 1e-4,
        "dilation": False,
        "frozen": None,
        "names": ["a"],
        "folder": pathlib.PurePosixPath("/data/coco"),
    }
    kept = argparse.Namespace(**said | {"folder": pathlib.PosixPath("/data/coco")})
    drops = {"milestones": collections.Counter([40])}
    held = {"model": collections.OrderedDict(WEIGHTS), "args": kept, "lr_scheduler": drops, "epoch": 3}
    torch.save(held, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    state, args = read_state(tmp_path / "x.pth")
    assert torch.equal(state["a"], WEIGHTS["a"]) and vars(args) == said


def _tar() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("pickle"))
    return held.getvalue()


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps([1])[:-3], b"PK\x03\x04 no zip", _tar()])
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot read .*x\.pth as torch weights \(.+\)") as refused:
        read_state(tmp_path / "x.pth")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "held, words",
    [
        ({"model": 3}, "holds a int"),
        ({"epoch": 3}, "'epoch' is a int"),
        ([1], "holds a list"),
        ({"model": {}}, "expected a dictionary of tensors"),
        ({"model": {"a": torch.ones(2).to_sparse()}}, "expected names and plain tensors"),
    ],
)
def test_a_file_without_weights_is_refused(tmp_path: Path, held: Any, words: str) -> None:
    torch.save(held, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=words):
        read_state(tmp_path / "x.pth")
