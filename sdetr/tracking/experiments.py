"""What MLflow has of a scale's experiments, and whether they are this root's."""

from sdetr.tracking.door import Door
from sdetr.tracking.store import TrackingError


def experiments_of(door: Door, scale: str) -> dict[str, str]:
    """Name → id. Raises TrackingError if the database came here from another folder.

    It names the places of artifacts from the filesystem's root: in a copied tree, those of the original.
    """
    found = door("search_experiments", filter_string=f"name LIKE '{scale}/%'", max_results=1000)
    for one in found if door.store.is_own else []:
        if one.artifact_location != door.store.artifacts(one.name):
            home = one.artifact_location.removesuffix(f"/mlartifacts/{one.name}")
            raise TrackingError(f"mlflow.db belongs to {home}; delete it, `sdetr sync` makes it anew")
    return {one.name: one.experiment_id for one in found}
