"""Weight files: safetensors that say what they are, and that are loaded wholly or not at all."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sdetr.files import written_whole

LISTED = 20
"""Keys that a message lists of each kind."""


def save_weights(module: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    save_tensors(module.state_dict(), path, metadata)


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    with written_whole(path) as temporary:
        save_file(
            {key: value.detach().cpu().contiguous() for key, value in tensors.items()}, temporary, metadata
        )
        _order_metadata(temporary)
        temporary.chmod(0o666 & ~_umask())  # safetensors lets nobody else read, as no other file of ours


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata. Raises FileNotFoundError, or ValueError when it is no safetensors file."""
    if not path.exists():
        raise FileNotFoundError(
            f"no weights {path}; expected the file of a backbone, of a run, or of `sdetr import`"
        )
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the file in it")
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is no whole safetensors file ({error}); make it again") from error


def load_exactly(
    module: nn.Module, tensors: Mapping[str, Tensor], source: str, fresh: Sequence[str] = ()
) -> None:
    """Loads if both have the same keys and shapes; keys beginning with a `fresh` prefix are left as they are.

    Raises ValueError with a table of what matched and what did not.
    """
    prefixes = tuple(fresh)
    wanted = {key: value for key, value in module.state_dict().items() if not key.startswith(prefixes)}
    given = {key: value for key, value in tensors.items() if not key.startswith(prefixes)}
    rows = {
        "missing": [f"{key} {_shape(wanted[key])}" for key in wanted.keys() - given.keys()],
        "unexpected": [f"{key} {_shape(given[key])}" for key in given.keys() - wanted.keys()],
        "shape": [
            f"{key} is {_shape(given[key])}, expected {_shape(wanted[key])}"
            for key in wanted.keys() & given.keys()
            if wanted[key].shape != given[key].shape
        ],
    }
    unused = [prefix for prefix in prefixes if not any(key.startswith(prefix) for key in module.state_dict())]
    if unused:
        rows["fresh"] = [f"{prefix}: no key of {type(module).__name__} begins so" for prefix in unused]
    if any(rows.values()):
        matched = len(wanted.keys() & given.keys()) - len(rows["shape"])
        raise ValueError(f"{source} does not fit: {matched} of {len(wanted)} keys match\n{_table(rows)}")
    module.load_state_dict(given, strict=False)  # strictness was checked above, fresh keys aside


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


def _order_metadata(path: Path) -> None:
    """safetensors writes metadata in an order of its own each time; equal weights are to be equal files."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(length)
        assert len(text) == length, "the same header, in another order, has the same length"
        file.seek(8)
        file.write(text)


def _table(rows: dict[str, list[str]]) -> str:
    lines = []
    for kind, found in rows.items():
        lines += [f"  {kind:<10}  {line}" for line in sorted(found)[:LISTED]]
        if len(found) > LISTED:
            lines.append(f"  {kind:<10}  … and {len(found) - LISTED} more")
    return "\n".join(lines)


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
