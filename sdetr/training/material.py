"""What a pretraining looks at: batches of planned views, and what happens to them on the device."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sdetr.data.dataset import Dataset
from sdetr.data.loader import WHOLE
from sdetr.data.normalise import normalise
from sdetr.data.settings import AS_DRAWN, BucketSettings
from sdetr.training.settings import PretrainRun
from sdetr.types import View
from sdetr.views.colour import Colour, coloured, crops_coloured
from sdetr.views.crops_loader import CropBatches
from sdetr.views.crops_store import CropPlan
from sdetr.views.loader import PairBatches
from sdetr.views.settings import PairsSettings, Views
from sdetr.views.store import ViewPlan

SHOWN = 4
"""Images of a picture."""


@dataclass(frozen=True)
class Material:
    """Batches of a pretraining."""

    batches: PairBatches | CropBatches
    shown: list[View]
    """The first views of a fixed order, with their images, whatever was made ahead."""
    prepared: Callable[[View], View]
    """On the device: bytes → coloured and normalised floats."""


def views_of(run: PretrainRun, dataset: Dataset, part: slice = WHOLE) -> Material:
    """`part` of every batch. Raises ValueError if planned views, or features, are of something else."""
    recipe, plan, protocol = run.views, Path(run.plan), run.protocol
    features = Path(run.features) if run.features else None
    few = min(SHOWN, len(dataset))

    def made(
        batch: int, seed: int, workers: int, features: Path | None, buckets: BucketSettings, part: slice
    ) -> PairBatches | CropBatches:
        common = recipe.crop_px, batch, seed, workers
        if isinstance(recipe, PairsSettings):
            return PairBatches(dataset, ViewPlan(plan), *common, features, buckets, part)
        return CropBatches(dataset, CropPlan(plan), *common, buckets, part)

    batches = made(protocol.batch, run.seed, protocol.workers, features, protocol.buckets, part)
    return Material(batches, made(few, 0, 0, None, AS_DRAWN, WHOLE)[0], preparing(recipe))


def preparing(recipe: Views) -> Callable[[View], View]:
    """On the device: bytes → coloured and normalised floats; a view whose features are there stays."""
    colour = Colour(recipe.colour)
    painted = coloured if recipe.kind == "pairs" else crops_coloured

    def prepared(view: View) -> View:
        return view if view.maps is not None else normalise(painted(view, colour))

    return prepared
