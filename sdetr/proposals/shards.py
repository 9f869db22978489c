"""Shares of the images of a data set, and how their proposals join: as if there had been one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sdetr.data.index import ImageRow
from sdetr.proposals.store import Proposals

Shard = tuple[int, int]
"""The k-th of n, k from 1."""

TALLIES = ("counts", "left_out", "shard", "seconds")
"""What shards may differ in; all else says what they were made from."""


def share(images: Sequence[ImageRow], shard: Shard) -> list[ImageRow]:
    """Contiguous by image id, so that shards in order are the whole in order; sizes differ by one at most."""
    number, of = shard
    if not 1 <= number <= of:
        raise ValueError(f"shard {number} of {of}: expected K of N with K from 1 to N")
    start, end = (k * len(images) // of for k in (number - 1, number))
    return sorted(images)[start:end]


def in_order(parts: Sequence[Proposals], made_from: dict[str, Any]) -> list[Proposals]:
    """The same by shard number. Raises ValueError unless each is there once, of the same origin."""
    for part in parts:
        if "shard" not in part.about:
            raise ValueError(f"{part.path} is no shard, but proposals of all images")
        _same(part, made_from, "the settings and the index as they are now")
        _same(part, _origin(parts[0]), str(parts[0].path))
    known = {tuple(part.about["shard"]): part for part in parts}
    total = parts[0].about["shard"][1]
    for part in parts:
        number, of = part.about["shard"]
        if of != total:
            raise ValueError(f"{part.path} is shard {number} of {of}, {parts[0].path} one of {total}")
        if known[number, of] is not part:
            raise ValueError(f"{part.path} and {known[number, of].path} are the same shard {number} of {of}")
    missing = [number for number in range(1, total + 1) if (number, total) not in known]
    if missing:
        raise ValueError(f"missing of {total} shards: {', '.join(map(str, missing))}; propose them first")
    return [known[number, total] for number in range(1, total + 1)]


def joined(parts: Sequence[Proposals]) -> dict[str, Any]:
    """What is known about all images, from what is known about each shard's; not how long they took, so that
    the bytes are those of images that were never shared.
    """
    counts: Counter[str] = Counter()
    left_out: dict[str, str] = {}
    for part in parts:
        counts.update(part.about["counts"])
        left_out |= part.about["left_out"]
    return _origin(parts[0]) | {"counts": dict(counts), "left_out": left_out}


def seconds_of(parts: Sequence[Proposals]) -> float:
    """What all shards took, one after the other; nothing of those made when that was not kept."""
    return float(sum(part.about.get("seconds", 0.0) for part in parts))


def _origin(part: Proposals) -> dict[str, Any]:
    return {key: value for key, value in part.about.items() if key not in TALLIES}


def _same(part: Proposals, wanted: dict[str, Any], whose: str) -> None:
    for key, value in wanted.items():
        found = part.about.get(key)
        if found != value:
            raise ValueError(f"{part.path} was made with {key} {found}, {whose}: {value}; propose it again")
