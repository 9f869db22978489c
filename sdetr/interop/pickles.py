"""Files of torch.save are pickles, which may call anything: read here so that nothing in them runs."""

import argparse
import pathlib
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

HARMLESS: list[Any] = [
    argparse.Namespace,
    (pathlib.PurePosixPath, "pathlib.PosixPath"),
    (pathlib.PurePosixPath, "pathlib._local.PosixPath"),
]
"""What trainers keep beside weights, in `args`, and torch does not know; making one of these does nothing.

NumPy's types are no part of it: the state of a dtype, when forged, leads NumPy to read memory as objects.
"""


def read_pickle(path: Path) -> Any:
    """What a file of torch.save holds, old or new format, on the CPU.

    Raises ValueError when it is broken, or when reading it would call a function that is not harmless.
    """
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # of other pickle protocols, which work or fail below
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # the instructions of a broken pickle fail in any way they like
        raise ValueError(_why(path, str(error) or type(error).__name__)) from error


def read_state(path: Path) -> tuple[dict[str, Tensor], Any]:
    """The weights of a trainer's file, or of one that holds nothing else, and its `args`, if it has any.

    Raises ValueError, too, when there are no weights.
    """
    found = read_pickle(path)
    state, said = found, None
    if isinstance(found, dict):
        state = next((found[key] for key in ("model", "state_dict") if key in found), found)
        said = found.get("args")
    if not isinstance(state, dict) or not state:
        raise ValueError(f"{path} holds a {type(state).__name__}, expected a dictionary of tensors")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
            raise ValueError(f"{path}: {key!r} is a {type(value).__name__}, expected names and plain tensors")
    return state, said


def _why(path: Path, error: str) -> str:
    """One line of what torch says in many, without its advice to trust the file."""
    if found := re.search(r"GLOBAL ([\w.]+)", error):
        return (
            f"{path} would call {found[1]} while it is read, which weights have no need of; "
            "nothing of it was run; get the file from its authors"
        )
    reason = re.split(r"[\n.]", error.split("WeightsUnpickler error: ")[-1].strip())[0]
    return f"cannot read {path} as torch weights ({reason}); remove and fetch it again"
