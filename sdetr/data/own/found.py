"""A part of a data set, as it was found in a folder; and what parts are called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

SPLITS = {
    "train": ("train", "training", "trainval", "trainset"),
    "val": ("valid", "val", "validation", "dev", "valset", "minival", "eval"),
    "test": ("test", "testing", "testset"),
}
"""Split → what folders, files and lists of it are called."""


@dataclass(frozen=True)
class Found:
    """One part of a data set: the settings that read it."""

    layout: str
    """In words, for the person who asked."""
    split: str
    own: dict[str, Any] = field(default_factory=dict)


def split_of(name: str) -> str:
    """`instances_val2017` → val; empty for a name that says none. Whole words alone: `latest` is no test."""
    words = _words(name)
    splits = {split for split, known in SPLITS.items() if words & set(known)}
    if splits == {"train", "val"}:
        return "train"
    return next((split for split in reversed(SPLITS) if split in splits), "")


def is_both(name: str) -> bool:
    """Whether training and validation are in it together."""
    words = _words(name)
    return "trainval" in words or all(words & set(SPLITS[split]) for split in ("train", "val"))


def _words(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.findall("[a-z]+", apart.lower()))


def as_parts(found: Sequence[Found]) -> list[Found]:
    """Training first, each called so that a file can be. Raises ValueError naming two of one split."""
    named = [replace(one, split=re.sub("[^a-z0-9_-]+", "-", one.split.lower()).strip("-")) for one in found]
    met: dict[str, str] = {}
    for one, as_found in zip(named, found, strict=True):
        place = str(one.own.get("listed") or one.own.get("annotations") or one.own.get("images"))
        if not one.split:
            raise ValueError(f"{place}: {as_found.split!r} is no name of a part; rename it: a-z 0-9 _ -")
        if one.split in met:
            raise ValueError(
                f"{met[one.split]} and {place} are both part {one.split}; move one of them out of the "
                "folder, or rename it"
            )
        met[one.split] = place
    order = list(SPLITS)
    return sorted(named, key=lambda one: order.index(one.split) if one.split in order else len(order))
