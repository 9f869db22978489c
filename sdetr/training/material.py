"""What a pretraining looks at: batches of planned views, and what happens to them on the device."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.training.settings import PretrainRun
from sdetr.types import View
from sdetr.views.colour import Colour, coloured, crops_coloured
from sdetr.views.crops_loader import CropBatches
from sdetr.views.crops_store import CropPlan
from sdetr.views.loader import PairBatches
from sdetr.views.settings import PairsSettings
from sdetr.views.store import ViewPlan


class Batches(Protocol):
    """Lists of views that depend on the step alone."""

    steps_per_pass: int

    def from_step(self, step: int) -> Iterator[list[View]]: ...


@dataclass(frozen=True)
class Material:
    """Batches of a pretraining."""

    batches: Batches
    sample: Callable[[int], list[View]]
    """The first views of a fixed order, of so many images or of all, always with their images."""
    prepared: Callable[[View], View]
    """On the device: bytes → coloured and normalised floats."""

    @property
    def steps_per_pass(self) -> int:
        return self.batches.steps_per_pass

    def from_step(self, step: int) -> Iterator[list[View]]:
        return self.batches.from_step(step)


def views_of(run: PretrainRun, dataset: Dataset) -> Material:
    """Raises ValueError if the planned views, or their features, are of something else."""
    recipe, plan = run.views, Path(run.plan)
    rest = run.protocol.batch, run.seed, run.protocol.workers
    colour = Colour(recipe.colour)
    batches: Batches
    if isinstance(recipe, PairsSettings):
        pairs, features = ViewPlan(plan), Path(run.features) if run.features else None
        batches = PairBatches(dataset, pairs, recipe.crop_px, *rest, features)

        def sample(count: int) -> list[View]:
            return PairBatches(dataset, pairs, recipe.crop_px, min(count, len(dataset)), seed=0)[0]

        def prepared(view: View) -> View:
            return view if view.maps is not None else normalise(coloured(view, colour))

    else:
        crops = CropPlan(plan)
        batches = CropBatches(dataset, crops, recipe.crop_px, *rest)

        def sample(count: int) -> list[View]:
            return CropBatches(dataset, crops, recipe.crop_px, min(count, len(dataset)), seed=0)[0]

        def prepared(view: View) -> View:
            return normalise(crops_coloured(view, colour))

    return Material(batches, sample, prepared)
