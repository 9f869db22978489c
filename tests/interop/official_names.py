"""Reads `official_names.txt`."""

import itertools
import re
from pathlib import Path

Shapes = dict[str, tuple[int, ...]]

LIST = Path(__file__).with_suffix(".txt")
FROZEN = ("weight", "bias", "running_mean", "running_var")


def stored(model: str) -> Shapes:
    """Keys of a trainer's file → shapes."""
    below = stored("detr") if model == "panoptic" else {}
    found = {f"detr.{key}": shape for key, shape in below.items()}
    heading, *lines = _sections()[model]
    for word in heading.split("  ")[0].split()[1:]:
        found |= stored(word)
    for line in lines:
        pattern, sizes = line.split()
        shape = tuple(int(size) for size in sizes.split(","))
        for name in _spelt(pattern):
            found |= _parameters(name, shape)
    return found


def _sections() -> dict[str, list[str]]:
    """Name → what stands behind it, and the lines below it."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in LIST.read_text().splitlines():
        if match := re.fullmatch(r"\[(.+)\](?: (\+.*)|  .*)?", line):
            name = match[1]
            found[name] = [match[2] or ""]
        elif line and name:
            found[name].append(line)
    return found


def _spelt(pattern: str) -> list[str]:
    """`a.{0-1}.b|c` → a.0.b, a.0.c, a.1.b, a.1.c."""

    def words(part: str) -> list[str]:
        if match := re.fullmatch(r"(.*)\{(\d)-(\d)\}", part):
            return [f"{match[1]}{i}" for i in range(int(match[2]), int(match[3]) + 1)]
        return part.split("|")

    return [".".join(parts) for parts in itertools.product(*map(words, pattern.split(".")))]


def _parameters(name: str, shape: tuple[int, ...]) -> Shapes:
    if name.endswith(".bn"):
        return {f"{name.removesuffix('bn')}{word}": shape for word in FROZEN}
    if name.endswith((".", "_")):
        return {f"{name}weight": shape, f"{name}bias": shape[:1]}
    return {name: shape}
