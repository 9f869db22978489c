"""The views stage: every pair of views of every image, planned before any is trained on."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sdetr import record
from sdetr.data.index import Index
from sdetr.data.progress import ticking
from sdetr.files import write_json
from sdetr.proposals.store import Proposals
from sdetr.settings_file import load
from sdetr.views.pairs import Pair, plan_pair
from sdetr.views.settings import ViewsRun
from sdetr.views.store import write_plan

log = logging.getLogger(__name__)


def plan_views(settings: Path, out: Path) -> None:
    """Writes `out` (Parquet) and its record beside it (.json), from the settings of a ViewsRun.

    Images without a usable proposal are left out of that draw, counted in the log and named in the record.
    Raises ValueError when a draw has no image left.
    """
    began = time.perf_counter()
    run = load(ViewsRun, settings)
    inputs = {"settings": settings, "dataset": Path(run.dataset), "proposals": Path(run.proposals)}
    path = "/".join(out.with_suffix("").parts[-4:])  # views, protocol, recipe, seed
    begun = record.begin(run.stage, path, run.seed, inputs)
    begun["starts"] = [record.start_entry(0)]
    index, proposals = Index.load(inputs["dataset"]), Proposals(inputs["proposals"])
    left_out: dict[str, list[str]] = {}
    draws = _draws(run, index, proposals, left_out)
    write_plan(out, draws, run.views.regions, {"recipe": run.recipe, "seed": run.seed} | run.views.said())
    missing = sum(map(len, left_out.values()))
    planned = len(index.images) * run.views.draws - missing
    counts = {"images": len(index.images), "pairs": planned, "left_out": missing}
    ended = record.end(begun, {out.name: out}, {"total": time.perf_counter() - began})
    write_json(out.with_suffix(".json"), ended | {"counts": counts, "left_out": left_out}, indent=1)
    log.info("%s: %d pairs planned, %d left out for want of proposals", out, planned, missing)


def _draws(
    run: ViewsRun, index: Index, proposals: Proposals, left_out: dict[str, list[str]]
) -> Iterator[list[Pair]]:
    """The pairs of each draw; `left_out` gets the files of images without any."""
    for draw in range(run.views.draws):
        pairs, missing = [], []
        what = f"views, draw {draw + 1} of {run.views.draws}"
        for row in ticking(index.images, len(index.images), what):
            boxes = np.asarray(proposals.of(row.id), np.float64)
            pair = plan_pair(run, row.id, (row.height, row.width), boxes, draw)
            if pair is None:
                missing.append(row.file)
            else:
                pairs.append(pair)
        if missing:
            left_out[str(draw)] = missing
        yield pairs
