"""The views stage: every view of every image, planned before any is trained on."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np

from sdetr import record
from sdetr.data.index import ImageRow, Index
from sdetr.data.progress import ticking
from sdetr.files import write_json
from sdetr.proposals.policies import choose
from sdetr.proposals.store import Proposals
from sdetr.settings_file import load
from sdetr.views.crops import Cropped, plan_crops
from sdetr.views.crops_store import write_crops
from sdetr.views.pairs import Pair, plan_pair
from sdetr.views.patches import draw_patches
from sdetr.views.settings import CropsSettings, PairsSettings, PatchesSettings, ViewsRun
from sdetr.views.store import write_plan

log = logging.getLogger(__name__)

CHOICE = 8
"""Stream of random numbers."""

Planned = TypeVar("Planned")
Planner: TypeAlias = Callable[[ImageRow, int], Planned | None]
"""From an image and the number of a draw to a view, or None where it shows too few regions."""


def plan_views(settings: Path, out: Path) -> None:
    """Writes `out` (Parquet) and its record beside it (.json), from the settings of a ViewsRun.

    Images without a usable proposal are left out of that draw, counted in the log and named in the record.
    Raises ValueError when a draw has no image left.
    """
    began = time.perf_counter()
    run = load(ViewsRun, settings)
    files = {"dataset": run.dataset, "proposals": run.proposals}
    inputs = {"settings": settings} | {name: Path(file) for name, file in files.items() if file}
    path = "/".join(out.with_suffix("").parts[-4:])  # views, protocol, recipe, seed
    begun = record.begin(run.stage, path, run.seed, inputs, out.parent)
    begun["starts"] = [record.start_entry(0)]
    index = Index.load(Path(run.dataset))
    proposals = Proposals(Path(run.proposals)) if run.proposals else None
    left_out: dict[str, list[str]] = {}
    about = {"recipe": run.recipe, "seed": run.seed} | run.views.said()
    if isinstance(run.views, PairsSettings):
        write_plan(out, _draws(run, index, _pairs(run, proposals), left_out), run.views.regions, about)
    else:
        plan = _crops(run, run.views, proposals, [row.id for row in index.images])
        write_crops(out, _draws(run, index, plan, left_out), about)
    missing = sum(map(len, left_out.values()))
    planned = len(index.images) * run.views.draws - missing
    counts = {"images": len(index.images), "views": planned, "left_out": missing}
    ended = record.end(begun, {out.name: out}, {"total": time.perf_counter() - began})
    write_json(out.with_suffix(".json"), ended | {"counts": counts, "left_out": left_out}, indent=1)
    log.info("%s: %d views planned, %d left out for want of regions", out, planned, missing)


def _pairs(run: ViewsRun, proposals: Proposals | None) -> Planner[Pair]:
    if proposals is None:
        raise ValueError("proposals: none given, but pairs of views need them")
    given = proposals

    def plan(row: ImageRow, draw: int) -> Pair | None:
        boxes = np.asarray(given.of(row.id), np.float64)
        return plan_pair(run, row.id, (row.height, row.width), boxes, draw)

    return plan


def _crops(
    run: ViewsRun, recipe: CropsSettings, proposals: Proposals | None, ids: Sequence[int]
) -> Planner[Cropped]:
    sampler = recipe.sampler
    if (sampler.proposer is None) != (proposals is None):
        raise ValueError(f"proposals: {run.proposals}, but the recipe's proposer is {sampler.proposer}")

    def plan(row: ImageRow, draw: int) -> Cropped | None:
        size = row.height, row.width
        if proposals is None or isinstance(sampler, PatchesSettings):
            regions = draw_patches(run, row.id, size, draw)
        else:
            rng = np.random.default_rng((CHOICE, run.seed, row.id, draw))
            chosen = choose(sampler.policy, recipe.regions, proposals, row.id, draw, rng, ids)
            regions = np.asarray(chosen, np.float64)
        return plan_crops(run, row.id, size, regions, draw)

    return plan


def _draws(
    run: ViewsRun, index: Index, plan: "Planner[Planned]", left_out: dict[str, list[str]]
) -> Iterator[list[Planned]]:
    """The views of each draw; `left_out` gets the files of images without one."""
    for draw in range(run.views.draws):
        views, missing = [], []
        what = f"views, draw {draw + 1} of {run.views.draws}"
        for row in ticking(index.images, len(index.images), what):
            view = plan(row, draw)
            if view is None:
                missing.append(row.file)
            else:
                views.append(view)
        if missing:
            left_out[str(draw)] = missing
        yield views
