"""Published detectors as they lie on a disk: trainers' `.pth` files and Hugging Face's folders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sdetr.interop.facts import Facts, facts_of_args
from sdetr.interop.hf_facts import facts_of_config
from sdetr.interop.names import Form
from sdetr.interop.pickles import read_state
from sdetr.interop.weights import read_weights

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Files of a folder that hold weights, the best first."""


@dataclass(frozen=True)
class Source:
    path: Path
    form: Form
    state: Mapping[str, Tensor]
    facts: Facts


def read_source(path: Path) -> Source:
    """A folder, or a file. Raises FileNotFoundError or ValueError when it is neither form."""
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist; expected a trainer's .pth file or a Hugging Face folder"
        )
    if path.suffix == ".safetensors":
        return _beside(path)
    state, args = read_state(path)
    return Source(path, "official", state, facts_of_args(args, path))


def _beside(path: Path) -> Source:
    """A file of a folder."""
    if "detector" in read_weights(path)[1]:
        raise ValueError(f"{path} is a detector file of sdetr already; use it as it is")
    if path.name in WEIGHTS and (path.parent / "config.json").exists():
        return _folder(path.parent)
    raise ValueError(f"{path}: expected config.json beside it, and one of the names {', '.join(WEIGHTS)}")


def _folder(path: Path) -> Source:
    config = path / "config.json"
    if not config.exists():
        raise FileNotFoundError(f"{config} does not exist; a Hugging Face folder has it")
    weights = next((path / name for name in WEIGHTS if (path / name).exists()), None)
    if weights is None:
        raise FileNotFoundError(f"{path} has no weights; expected one of {', '.join(WEIGHTS)}")
    preprocessor = path / "preprocessor_config.json"
    said = _json(preprocessor) if preprocessor.exists() else {}
    return Source(path, "hf", _tensors(weights), facts_of_config(_json(config), said, config))


def _tensors(path: Path) -> dict[str, Tensor]:
    """Of one file, or of all that an index lists."""
    if path.suffix != ".json":
        return read_weights(path)[0] if path.suffix == ".safetensors" else read_state(path)[0]
    shards = _json(path).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise ValueError(f"{path}: weight_map: expected the file of every parameter")
    found: dict[str, Tensor] = {}
    for name in sorted(set(shards.values())):
        if Path(name).name != name or Path(name).suffix not in (".safetensors", ".bin"):
            raise ValueError(f"{path}: weight_map: {name!r} is no weights file beside it")
        found |= _tensors(path.with_name(name))
    if lost := shards.keys() - found.keys():
        raise ValueError(f"{path}: weight_map: {min(lost)} and {len(lost) - 1} more are in no file")
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds a {type(found).__name__}, expected an object")
    return found
