"""Which of an image's proposals a draw of it uses (DETReg, arXiv:2106.04550)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sdetr.proposals.proposed import Floats
from sdetr.proposals.settings import (
    ImportanceSettings,
    OtherImageSettings,
    Policy,
    RandomSettings,
    TopSettings,
)
from sdetr.proposals.store import Proposals


def choose(
    policy: Policy,
    most: int,
    proposals: Proposals,
    image_id: int,
    draw: int,
    rng: np.random.Generator,
    image_ids: Sequence[int],
) -> Floats:
    """(N, 4) xyxy px in the order of the draw's ranking; at most `most`, unless it is for chance to say.

    `image_ids` are those of the data set. Boxes of another image are neither scaled nor clipped to this one.
    Raises ValueError if there is no other image.
    """
    if isinstance(policy, OtherImageSettings):
        image_id = _another(image_id, image_ids, rng)
    boxes = proposals.of(image_id, draw % proposals.rankings)
    match policy:
        case TopSettings() | OtherImageSettings():
            return boxes[:most]
        case RandomSettings():
            return boxes[np.sort(rng.permutation(len(boxes))[:most])]
        case ImportanceSettings():
            return boxes[: policy.first][_lucky(policy, min(policy.first, len(boxes)), rng)]


def _lucky(policy: ImportanceSettings, count: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(count,) where True is chosen; independent of each other, so of varying number."""
    chance = -np.log(np.arange(1, count + 1) / (policy.first + 1)) / policy.divisor
    return rng.random(count) < chance


def _another(image_id: int, image_ids: Sequence[int], rng: np.random.Generator) -> int:
    if len(image_ids) < 2:
        raise ValueError(f"policy other_image: no image beside {image_id}; it needs two at least")
    while (other := image_ids[int(rng.integers(len(image_ids)))]) == image_id:
        pass
    return other
