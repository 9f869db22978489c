"""A run is its path: which scale and which run a folder or file of `data/<scale>/` belongs to."""

from pathlib import Path


def run_path(out: Path, words: int) -> tuple[Path, str]:
    """`data/<scale>/<so many words>` → (`data/<scale>`, the words). Raises ValueError if it is too short."""
    run = out.with_suffix("") if out.suffix == ".safetensors" else out
    if len(run.parts) <= words:
        raise ValueError(f"{out} is no place for a run: expected data/<scale>/ and {words} words after it")
    return run.parents[words - 1], "/".join(run.parts[-words:])
