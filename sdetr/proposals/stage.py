"""The proposals stage: boxes of every image, in shards that any number of machines share."""

import logging
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sdetr import record
from sdetr.data.index import Index
from sdetr.files import sha256, write_json
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.settings import ProposalsRun
from sdetr.proposals.shards import Shard, in_order, joined, seconds_of, share
from sdetr.proposals.store import Proposals, write_proposals
from sdetr.proposals.walk import Walk
from sdetr.settings_file import load

log = logging.getLogger(__name__)


def propose(settings: Path, out: Path, shard: Shard | None = None) -> None:
    """Writes `out` (Parquet) from the settings of a ProposalsRun; of the whole a record too (.json).

    Broken images are left out, named and counted. Raises FileNotFoundError for absent ones: the data set is
    not complete, or not linked here.
    """
    began = time.perf_counter()
    run = load(ProposalsRun, settings)
    begun = _begun(run, settings, out)
    index = Index.load(Path(run.dataset))
    raw = Path(run.dataset).parents[1]  # data/raw/<data set>/<split>.json
    proposer, about = choose_proposer(run.proposer, raw / "downloads")
    origin = made_from(run) | about
    walk, rankings = Walk(proposer, index), run.proposer.rankings
    rows = walk.over(share(index.images, shard or (1, 1)), _what(index, shard))
    if shard:
        write_proposals(out, rows, lambda: origin | _of_shard(shard, began) | walk.tallies(), rankings)
        log.info("%s: %s", out, _summary(walk.tallies()))
    else:
        write_proposals(out, rows, lambda: _usable(run, origin | walk.tallies()), rankings)
        _record(begun, out, time.perf_counter() - began)


def merge(settings: Path, shards: Sequence[Path], out: Path) -> None:
    """Joins all shards of `settings`, given in any order; the bytes are those that `propose` writes at once,
    and the seconds of its record those of all shards and its own.

    Raises ValueError when a shard is missing, comes twice, or was made from something else.
    """
    began = time.perf_counter()
    run = load(ProposalsRun, settings)
    begun = _begun(run, settings, out)
    parts = in_order([Proposals(path) for path in shards], made_from(run))
    rows = chain.from_iterable(part.rows() for part in parts)
    write_proposals(out, rows, lambda: _usable(run, joined(parts)), run.proposer.rankings)
    _record(begun, out, time.perf_counter() - began + seconds_of(parts))


def made_from(run: ProposalsRun) -> dict[str, Any]:
    """What decides the boxes, beside the edge map that was found at run time."""
    return {"recipe": run.recipe, "proposer": run.proposer.said(), "index": sha256(Path(run.dataset))}


def _of_shard(shard: Shard, began: float) -> dict[str, Any]:
    """Which one it is, and what it took, which is no part of what it holds."""
    return {"shard": shard, "seconds": round(time.perf_counter() - began, 3)}


def _what(index: Index, shard: Shard | None) -> str:
    return f"proposals of {index.dataset}" + (f", shard {shard[0]} of {shard[1]}" if shard else "")


def _usable(run: ProposalsRun, about: dict[str, Any]) -> dict[str, Any]:
    """The same. Raises ValueError, and so leaves no file, if there is not one box."""
    if not about["counts"].get("boxes"):
        raise ValueError(f"no image of {run.dataset} could be read ({_summary(about)}); prepare it again")
    return about


def _begun(run: ProposalsRun, settings: Path, out: Path) -> dict[str, Any]:
    path = "/".join(out.with_suffix("").parts[-3:])  # proposals, data set, proposer
    inputs = {"settings": settings, "dataset": Path(run.dataset)}
    return record.begin(run.stage, path, None, inputs, out.parent) | {"starts": [record.start_entry(0)]}


def _record(begun: dict[str, Any], out: Path, seconds: float) -> None:
    about = Proposals(out).about
    ended = record.end(begun, {out.name: out}, {"total": seconds})
    told = {key: about[key] for key in ("edges", "model", "counts", "left_out") if key in about}
    write_json(out.with_suffix(".json"), ended | told, indent=1)
    log.info("%s: %s", out, _summary(about))


def _summary(about: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(about["counts"].items())) or "no image"
