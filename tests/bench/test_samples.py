"""The way of PIL gives the values of ours: pixels to a tenth of a gray level, colours to its rounding."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.types import View
from sdetr.views.colour_draws import Draws, draw
from tests.bench.pil import Collated, as_drawn, by_chance
from tests.bench.sample_work import Work, work_of, written
from tests.bench.samples import BATCH, levels, loaded, ready, released

NAMES = ["updetr-patches", "detreg-top", "siamese-pairs"]
Photos = tuple[Dataset, list[Path]]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """A batch of them, of two sizes."""
    dataset, files = written(tmp_path_factory.mktemp("photographs"))
    return dataset, files[:BATCH]


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_without_colours_both_ways_give_the_same_samples(name: str, flip: float, photos: Photos) -> None:
    work = work_of(name, *photos, flip=flip)
    views = [normalise(view) for view in loaded(work)]
    (theirs,) = released(work, lambda: lambda image: image)
    for which, view in enumerate(views):
        images, padding, _, boxes = theirs
        assert torch.equal(view.padding, padding[which :: len(views)])
        for found, wanted in zip(view.boxes, boxes[which :: len(views)], strict=True):
            assert torch.allclose(found, wanted, atol=1e-6)
        assert levels(view.images - images[which :: len(views)]).mean() < 0.1
    for ours, wanted in crops_of(views, theirs):
        assert levels(ours - wanted).mean() < 0.1 and levels(ours - wanted.flip(3)).mean() > 5


@pytest.mark.parametrize("name", NAMES)
def test_with_the_same_draws_both_ways_make_the_same_colours(name: str, photos: Photos) -> None:
    work = work_of(name, *photos)
    torch.manual_seed(0)
    views = list(ready(work))
    torch.manual_seed(0)
    (theirs,) = released(work, lambda: as_drawn(in_their_order(work, views)))
    for ours, wanted in crops_of(views, theirs):
        assert levels(ours - wanted).mean() < 2.5  # PIL drops what is behind the point four times
    if name == "siamese-pairs":
        for which, view in enumerate(views):
            assert levels(view.images - theirs[0][which::2]).mean() < 2.5
    (others,) = released(work, by_chance)
    assert all(levels(ours - wanted).mean() > 3 for ours, wanted in crops_of(views, others))


def crops_of(views: list[View], theirs: Collated) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each image and view: the crops of ours that are there, and theirs."""
    for i, of_image in enumerate(theirs[2]):
        both = of_image if len(views) == 2 else [of_image]
        for view, wanted in zip(views, both, strict=True):
            assert view.crops is not None
            yield view.crops[i, : len(wanted)], wanted


def in_their_order(work: Work, views: list[View]) -> Draws:
    """Ours are drawn view by view, the images before the crops; theirs come image by image."""
    settings = work.run.views.colour
    images, crops = [], []
    for view in views:
        assert view.crops is not None
        images.append(draw(settings, BATCH) if len(views) == 2 else None)
        crops.append(draw(settings, view.crops.shape[:2].numel()))
    places = []
    for i in range(BATCH):
        places += [(of, i) for of in images if of]
        for view, of in zip(views, crops, strict=True):
            assert view.crops is not None
            places += [(of, i * view.crops.shape[1] + k) for k in range(len(view.boxes[i]))]
    return Draws(*(torch.stack([of[column][row] for of, row in places]) for column in range(4)))
