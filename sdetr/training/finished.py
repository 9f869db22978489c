"""A run that is whole already is not trained a second time."""

import json
import logging
import time
from pathlib import Path
from typing import Any

from sdetr.files import sha256
from sdetr.training.ranks import Ranks

log = logging.getLogger(__name__)


def is_finished(out: Path, inputs: dict[str, Path], ranks: Ranks) -> bool:
    """Whether `out` has a run of these inputs, and all that its record names as it was made; says so then."""
    return bool(ranks.led(ranks.leads and _is_whole(out, inputs)))


def _read(path: Path) -> dict[str, Any]:
    """Of no record, or of one that a power cut tore, nothing."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told


def _is_whole(out: Path, inputs: dict[str, Path]) -> bool:
    told = _read(out / "run.json")
    if not told:
        return False
    read = {name: entry["sha256"] for name, entry in told["inputs"].items()}
    made = {out / name: digest for name, digest in told.get("outputs", {}).items()}
    if read != {name: sha256(file) for name, file in inputs.items()}:
        return False
    if not made or any(not file.exists() or sha256(file) != digest for file, digest in made.items()):
        return False
    folders = ["pictures", *(Path(name).stem for name in told["outputs"] if name == "panoptic.json")]
    if not all((out / name).exists() for name in ("settings.yaml", *folders)):
        return False
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(told["finished"]))
    log.warning("%s: finished on %s, of the same inputs; remove %s to have it again", told["run"], when, out)
    return True
