"""Regions drawn without looking at the image (UP-DETR, arXiv:2011.09094 §4)."""

import numpy as np

from sdetr.views.geometry import Array
from sdetr.views.settings import CropsSettings, PatchesSettings, ViewsRun

DRAW = 6
"""Stream of random numbers."""


def draw_patches(run: ViewsRun, image_id: int, size: tuple[int, int], draw: int) -> Array:
    """(M, 4) xyxy whole px of an image of `size` (H, W); none where no side is twice the smallest patch's.

    They depend on (seed, image, draw) alone.
    """
    recipe = run.views
    assert isinstance(recipe, CropsSettings) and isinstance(recipe.sampler, PatchesSettings)
    smallest = recipe.sampler.min_px
    if min(size) <= 2 * smallest:
        return np.zeros((0, 4))
    rng = np.random.default_rng((DRAW, run.seed, image_id, draw))
    if recipe.sampler.layout == "grid":
        return _grid(size, recipe.regions, rng)
    height, width = size
    sides = rng.integers(smallest, [width - smallest, height - smallest], (recipe.regions, 2), endpoint=True)
    low = rng.integers(0, [width, height] - sides)  # never at the right or lower border, as released
    return np.concatenate([low, low + sides], axis=1).astype(np.float64)


def _grid(size: tuple[int, int], count: int, rng: np.random.Generator) -> Array:
    """`count` cells, in any order, of the grid nearest to square that has so many."""
    rows = max(1, int(np.sqrt(count)))
    columns = -(-count // rows)
    y, x = np.divmod(rng.permutation(rows * columns)[:count], columns)
    cells = np.stack([x, y, x + 1, y + 1], axis=1)
    scale: Array = np.tile([size[1] / columns, size[0] / rows], 2)
    return np.round(cells * scale)
