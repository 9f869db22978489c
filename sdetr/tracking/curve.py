"""metrics.jsonl → points of MLflow: from where one stopped, in batches, thinned where there are many."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

BATCH = 1000
"""MLflow takes no more points in one call."""
ALL_UNTIL = 1000
"""Lines of training after which every doubling adds this many: 2,000 of 2,000, 3,000 of 4,000."""


class Point(NamedTuple):
    key: str
    value: float
    time_ms: int
    step: int


@dataclass(frozen=True)
class Mark:
    """How far a curve has been sent: bytes, what they were, and how many lines of training they held."""

    bytes: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    lines: int = 0


def is_cut(path: Path, mark: Mark) -> bool:
    """Whether what has been sent stands in the curve no more: a killed run went back to its saved state."""
    return _digest(path, mark.bytes).hexdigest() != mark.sha256


def new_points(path: Path, mark: Mark) -> Iterator[tuple[list[Point], Mark]]:
    """Batches of whole lines after the mark, each with the mark that holds once it has been sent.

    A line that is still being written is left to the next time.
    """
    digest, points, lines = _digest(path, mark.bytes), list[Point](), mark.lines
    length = mark.bytes
    with path.open("rb") as file:
        file.seek(length)
        for line in file:
            if not line.endswith(b"\n"):
                break
            found = points_of(json.loads(line))
            if points and len(points) + len(found) > BATCH:
                yield points, Mark(length, digest.hexdigest(), lines)
                points = []
            digest.update(line)
            length += len(line)
            training = any(point.key.startswith("train/") for point in found)
            if not training or is_kept(lines):
                points += found
            lines += training
    if length > mark.bytes:
        yield points, Mark(length, digest.hexdigest(), lines)


def last_points(path: Path) -> list[Point]:
    """Of every key the last one."""
    last: dict[str, Point] = {}
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                last |= {point.key: point for point in points_of(json.loads(line))}
    return list(last.values())


def is_kept(line: int) -> bool:
    """Whether the n-th line of training is sent: it depends on n alone, so a live curve stays as it is."""
    stride: int = 2 ** max(0, (line // ALL_UNTIL).bit_length() - 1)
    return line % stride == 0


def points_of(line: dict[str, Any]) -> list[Point]:
    """Everything in a line but its time and step."""
    time_ms, step = int(line["time"] * 1000), int(line["step"])
    return [Point(key, value, time_ms, step) for key, value in line.items() if key not in ("time", "step")]


def _digest(path: Path, length: int) -> "hashlib._Hash":
    """Of the first `length` bytes, or of all if there are fewer."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while length and (part := file.read(min(length, 1 << 20))):
            digest.update(part)
            length -= len(part)
    return digest
