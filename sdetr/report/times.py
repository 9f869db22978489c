"""Where the time of a scale went: by stage, and how much of the cores' time was no training."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from sdetr.report.markdown import grid
from sdetr.report.words import duration


class Spent(NamedTuple):
    """What the record of one job says, seconds."""

    stage: str
    total_s: float
    training_s: float
    began_s: float
    """Since the epoch, as `ended_s`."""
    ended_s: float


def spent(path: Path) -> Spent | None:
    """None for a job that was not made yet, or was not finished."""
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not record.get("finished") or not record.get("starts"):
        return None
    seconds, began = record["seconds"], record["starts"][0]["time"]
    training = float(seconds.get("training", 0.0))
    return Spent(record["stage"], float(seconds["total"]), training, float(began), float(record["finished"]))


def times(records: Iterable[Path], cores: int) -> str:
    """A line per stage; then the share of so many cores' time, from the first start to the last end, that was
    no training.

    Raises ValueError when nothing was made.
    """
    made = [one for path in records if (one := spent(path))]
    if not made:
        raise ValueError(
            "nothing of this scale is made yet; `make demo` makes the first tables of scale demo"
        )
    rows = []
    for stage in dict.fromkeys(one.stage for one in made):
        mine = [one for one in made if one.stage == stage]
        total, training = sum(one.total_s for one in mine), sum(one.training_s for one in mine)
        rows.append([stage, str(len(mine)), duration(total), duration(training) if training else "–"])
    table = grid(("stage", "jobs", "together", "training"), rows, [False, True, True, True])
    wall = max(one.ended_s for one in made) - min(one.began_s for one in made)
    training = sum(one.training_s for one in made)
    share = 1 - training / (wall * cores)
    between = f"From the first start to the last end {duration(wall)} passed on each of {cores} cores"
    return (
        f"{table}\n\n{between}; {share:.0%} of that was no training (starts, data, waits, pauses of yours).\n"
    )
