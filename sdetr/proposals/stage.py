"""The proposals stage: boxes of every image, in shards that any number of machines share."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sdetr import record
from sdetr.data.images import read_image
from sdetr.data.index import ImageRow, Index
from sdetr.data.progress import ticking
from sdetr.files import sha256, write_json
from sdetr.proposals.edgeboxes import EdgeBoxes
from sdetr.proposals.proposed import Propose
from sdetr.proposals.random import RandomBoxes
from sdetr.proposals.settings import ProposalsRun, RandomBoxesSettings
from sdetr.proposals.shards import Shard, in_order, joined, share
from sdetr.proposals.store import Proposals, Row, write_proposals
from sdetr.settings_file import load

log = logging.getLogger(__name__)


def propose(settings: Path, out: Path, shard: Shard | None = None) -> None:
    """Writes `out` (Parquet) from the settings of a ProposalsRun; of the whole a record too (.json).

    Broken images are left out, named and counted. Raises FileNotFoundError for absent ones: the data set is
    not complete, or not linked here.
    """
    began = time.perf_counter()
    run = load(ProposalsRun, settings)
    index = Index.load(Path(run.dataset))
    proposer, about = _proposer(run)
    origin = made_from(run) | about
    walk = _Walk(proposer, index.root)
    rows = walk.over(share(index.images, shard or (1, 1)), _what(index, shard))
    if shard:
        write_proposals(out, rows, lambda: origin | {"shard": shard} | walk.tallies())
        log.info("%s: %s", out, _summary(walk.tallies()))
    else:
        write_proposals(out, rows, lambda: _usable(run, origin | walk.tallies()))
        _record(run, settings, out, began)


def merge(settings: Path, shards: Sequence[Path], out: Path) -> None:
    """Joins all shards of `settings`, given in any order; the bytes are those that `propose` writes at once.

    Raises ValueError when a shard is missing, comes twice, or was made from something else.
    """
    began = time.perf_counter()
    run = load(ProposalsRun, settings)
    parts = in_order([Proposals(path) for path in shards], made_from(run))
    rows = chain.from_iterable(part.rows() for part in parts)
    write_proposals(out, rows, lambda: _usable(run, joined(parts)))
    _record(run, settings, out, began)


def made_from(run: ProposalsRun) -> dict[str, Any]:
    """What decides the boxes, beside the edge map that was found at run time."""
    return {"recipe": run.recipe, "proposer": run.proposer.said(), "index": sha256(Path(run.dataset))}


class _Walk:
    """Image after image, counting what became of them."""

    def __init__(self, propose: Propose, root: Path) -> None:
        self._propose = propose
        self._root = root
        self._counts: Counter[str] = Counter()
        self._left_out: dict[str, str] = {}

    def over(self, images: Sequence[ImageRow], what: str) -> Iterator[Row]:
        for row in ticking(images, len(images), what):
            self._counts["images"] += 1
            try:
                image = read_image(self._root / row.file, (row.height, row.width))
            except ValueError as error:
                log.warning("left out: %s", error)
                self._counts["unreadable"] += 1
                self._left_out[str(row.id)] = row.file
                continue
            proposed = self._propose(row.id, image)
            self._counts[proposed.how] += 1
            self._counts["boxes"] += len(proposed.boxes_xyxy_px)
            yield row.id, proposed.boxes_xyxy_px, proposed.scores

    def tallies(self) -> dict[str, Any]:
        return {"counts": dict(self._counts), "left_out": self._left_out}


def _proposer(run: ProposalsRun) -> tuple[Propose, dict[str, str]]:
    """And what beside its settings decides its boxes."""
    if isinstance(run.proposer, RandomBoxesSettings):
        return RandomBoxes(run.proposer), {}
    raw = Path(run.dataset).parents[1]  # data/raw/<data set>/<split>.json
    boxes = EdgeBoxes(run.proposer, raw / "downloads")
    return boxes, boxes.about


def _what(index: Index, shard: Shard | None) -> str:
    return f"proposals of {index.dataset}" + (f", shard {shard[0]} of {shard[1]}" if shard else "")


def _usable(run: ProposalsRun, about: dict[str, Any]) -> dict[str, Any]:
    """The same. Raises ValueError, and so leaves no file, if there is not one box."""
    if not about["counts"].get("boxes"):
        raise ValueError(f"no image of {run.dataset} could be read ({_summary(about)}); prepare it again")
    return about


def _record(run: ProposalsRun, settings: Path, out: Path, began: float) -> None:
    about = Proposals(out).about
    path = "/".join(out.with_suffix("").parts[-3:])  # proposals, data set, proposer
    begun = record.begin(run.stage, path, None, {"settings": settings, "dataset": Path(run.dataset)})
    begun["starts"] = [record.start_entry(0)]
    ended = record.end(begun, {out.name: out}, {"total": time.perf_counter() - began})
    told = {key: about[key] for key in ("edges", "model", "counts", "left_out") if key in about}
    write_json(out.with_suffix(".json"), ended | told, indent=1)
    log.info("%s: %s", out, _summary(about))


def _summary(about: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(about["counts"].items())) or "no image"
