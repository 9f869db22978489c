"""The regions of a pair of views: the overlap itself, then proposals clipped to it (Siamese DETR §3.1)."""

import numpy as np

from sdetr.views.geometry import Array


def choose_regions(
    boxes: Array,
    overlap: Array,
    count: int,
    smallest: float,
    jitter: float,
    rng: np.random.Generator,
) -> Array | None:
    """Proposals (N, 4), best first, and the overlap (4,) → regions (count, 4); None if no proposal is left.

    Proposals are clipped and kept from a share `smallest` of the overlap's area on, in their order, doubles
    too. Where they are too few they come again, their corners shifted by up to `jitter` of their sides.
    """
    wanted = count - 1
    low, high = overlap[[0, 1, 0, 1]], overlap[[2, 3, 2, 3]]
    clipped = boxes.clip(low, high)
    sides = clipped[:, 2:] - clipped[:, :2]
    large = sides.prod(axis=1) >= smallest * (overlap[2:] - overlap[:2]).prod()
    kept = clipped[large & (sides > 0).all(axis=1)][:wanted]
    if not len(kept) and wanted:
        return None
    missing = wanted - len(kept)
    if missing:
        copies = kept[np.arange(missing) % len(kept)]
        kept = np.concatenate([kept, jittered(copies, jitter, rng).clip(low, high)])
    return np.concatenate([overlap[None], kept])


def jittered(boxes: Array, jitter: float, rng: np.random.Generator) -> Array:
    """(N, 4), every coordinate moved by up to `jitter` of its side; small moves are likelier than large ones.

    The move is a sigmoid of a normal number: bell-shaped and bounded.
    """
    bell = 1 / (1 + np.exp(-rng.standard_normal(boxes.shape)))  # 0..1 around a half
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    moved: Array = boxes + sides * jitter * (2 * bell - 1)
    return moved
