"""A few labelled images learned by heart before anything long begins: it stops on what would be in vain."""

import logging
from collections import Counter
from collections.abc import Sequence
from math import ceil
from pathlib import Path

from sdetr.data.index import Index
from sdetr.files import write_json
from sdetr.models.settings import ModelSettings
from sdetr.proposals.belonging import belonging_of
from sdetr.proposals.settings import Proposer
from sdetr.settings_file import load
from sdetr.training.device import choose_device, peak_bytes
from sdetr.training.overfit import Overfitting, Point, first_with_objects, middle_side_px
from sdetr.training.rehearsal_settings import RehearsalRun
from sdetr.training.short_run import short_run
from sdetr.training.symptoms import Symptoms, diagnosis

log = logging.getLogger(__name__)
CHECK = "check.json"
GO_ON = "say `boxes: false` in `rehearsal` of the scale's file, or take `rehearsal` out of it"
LARGER = "`rehearsal: {resize: {short: …, longest: …}}` in the scale's file"


def rehearse(settings: Path, out: Path, device: str = "auto") -> None:
    """Writes `out`/check.json, its settings and its record.

    Raises ValueError, saying what is wrong most likely, for boxes that are of other images and for a detector
    that cannot learn its images by heart.
    """
    chosen, run = choose_device(device), load(RehearsalRun, settings)
    index = Path(run.train)
    with short_run(run.stage, settings, out, run.seed, {"train": index}, chosen) as short:
        if run.boxes:
            refuse_others_boxes(index, run.proposer, GO_ON)
        short.watch.lap()
        model = _roomy(run, index)
        learning = Overfitting(model, run.trunk, run.protocol, index, run.images, device, run.seed)
        points, most = [], learning.reachable() / 100
        for point in learning.points(run.enough * most):
            points.append(point)
            log.info("step %d: AP50 %.1f of %d images", point.step, point.metrics["AP50"], run.images)
        short.watch.lap("training")
        if (reached := points[-1].metrics["AP50"]) < run.enough * most:
            raise ValueError(
                f"{run.train}: {run.images} images were not learned by heart (AP50 {reached:.0f} after "
                f"{points[-1].step} steps, {run.enough * most:.3g} expected), so nothing longer is begun. "
                f"Most likely {why(points, learning, LARGER)}. To go on all the same, take `rehearsal` out "
                "of the scale's file"
            )
        curve = {point.step: point.metrics["AP50"] for point in points}
        write_json(out / CHECK, {"AP50": curve}, indent=1)
        short.finish([CHECK], peak_bytes(chosen))


def _roomy(run: RehearsalRun, path: Path) -> ModelSettings:
    """With half as many queries again as an image has objects, at least."""
    rows = first_with_objects(Index.load(path), run.images, path).annotations
    most = max(Counter(row.image_id for row in rows).values())
    return run.model.model_copy(update={"queries": max(run.model.queries, ceil(1.5 * most))})


def refuse_others_boxes(index: Path, proposer: Proposer, go_on: str) -> None:
    """Boxes of other images can be learned by heart, too. Raises ValueError for them; `go_on` is what
    somebody may do who knows better.
    """
    found = belonging_of(Index.load(index), proposer, index.absolute().parents[1] / "downloads")
    if found and found.doubtful:
        raise ValueError(
            f"boxes: {index}: {found}; were annotations shuffled, or exported for other images? Look at "
            f"some of them (`sdetr data doctor`); if they are right, {go_on}"
        )


def why(points: Sequence[Point], learning: Overfitting, larger: str = "`resize` of the protocol") -> str:
    """Of images that were not learned by heart; `larger` is where it is said how large they are seen."""
    index = first_with_objects(Index.load(learning.index), learning.images, learning.index)
    side = middle_side_px(index, learning.protocol.resize)
    last = points[-1].metrics
    losses = [point.loss for point in points if point.loss is not None]
    return diagnosis(Symptoms(losses, last["AP50"], last["any_class"], side), larger)
