"""What only all parts of a data set together show: pictures in two of them, classes that one lacks."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sdetr.data.own.examine import Part, boxes_by_class
from sdetr.data.own.findings import Findings
from sdetr.data.own.holding_out import source

FEWEST = 2
"""Boxes from which on the AP of a class says anything."""


def compare(parts: Mapping[str, Part], findings: Findings) -> None:
    """Part → what is in it; training is `train`. Adds to the findings."""
    _same_pictures(parts, findings)
    train = parts.get("train")
    labelled = {name: part for name, part in parts.items() if part.index.annotations}
    if not train or not train.index.annotations:
        return
    counts = {name: boxes_by_class(part.index) for name, part in labelled.items()}
    for name in labelled:
        for one in train.index.classes:
            if name != "train" and counts[name][one] < FEWEST:
                told = f"{one!r} has {counts[name][one]}, training has {counts['train'][one]}"
                findings.add("D19", name, "boxes", told)


def _same_pictures(parts: Mapping[str, Part], findings: Findings) -> None:
    """By content, and by the name that augmented copies share."""
    met: dict[str, tuple[str, str]] = {}
    told = set()
    for name, part in parts.items():
        for file, keys in _keys(part).items():
            for key in keys:
                there = met.setdefault(key, (name, file))
                if there[0] != name and (file, there[1]) not in told:
                    told.add((file, there[1]))
                    findings.add("D27", f"{name}: {file}", "is", f"{there[0]}: {there[1]}")


def _keys(part: Part) -> dict[str, list[str]]:
    keys = defaultdict(list)
    for row in part.index.images:
        if digest := part.digests.get(row.file):
            keys[row.file].append(digest)
        if (one := source(row.file)) != Path(row.file).stem:
            keys[row.file].append(f"copy of {one}")
    return keys
