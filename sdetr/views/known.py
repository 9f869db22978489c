"""Where the images of a plan are in a data set."""

from typing import Any

from sdetr.data.dataset import Dataset
from sdetr.views.draws import DrawFile


def places_of(dataset: Dataset, plan: DrawFile[Any]) -> dict[int, int]:
    """Image id → place in the data set. Raises ValueError if the plan has an image that it lacks."""
    places = {image_id: i for i, image_id in enumerate(dataset.ids)}
    unknown = sorted(set(plan.image_ids(0).tolist()) - places.keys())
    if unknown:
        raise ValueError(
            f"{plan.path} plans image {unknown[0]}, which the data set lacks; plan the views again"
        )
    return places
