"""Part of a data set: a share of its images, some of its classes, or a few objects of each class."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from sdetr import record
from sdetr.data.index import Annotation, Index
from sdetr.data.subsets.listed import listed, lists_of
from sdetr.data.subsets.settings import SubsetRun
from sdetr.files import sha256, write_json, write_text
from sdetr.settings_file import load

log = logging.getLogger(__name__)

FIRST_SEED = 42
"""Of draw 0 (DETReg's released code seeds its subsets with 42)."""


def subset_run(settings: Path, out: Path) -> None:
    """From the settings of a SubsetRun; beside the index `x.json` lie `x.ids.txt` and `x.record.json`.

    Raises ValueError when there are fewer images or objects than are to be drawn, or no object among them.
    """
    began = time.perf_counter()
    run = load(SubsetRun, settings)
    sources = {"settings": settings, "whole": Path(run.whole)}
    begun = record.begin(run.stage, f"raw/{run.name}", None, sources, out.parent)
    begun["starts"] = [record.start_entry(0)]
    index = subset(Index.load(Path(run.whole)), run)
    lists = lists_of(run, index.classes)
    begun["inputs"] |= {file.name: {"path": str(file), "sha256": sha256(file)} for file in lists}
    ids = out.with_suffix(".ids.txt")
    write_text(ids, "".join(f"{row.id}\n" for row in index.images))
    index.save(out, within=out.parent.parent)
    log.info("%s: %d images, %d objects", out, len(index.images), len(index.annotations))
    ended = record.end(begun, {out.name: out, ids.name: ids}, {"total": time.perf_counter() - began})
    write_json(out.with_suffix(".record.json"), ended, indent=1)


def subset(whole: Index, run: SubsetRun) -> Index:
    """Images keep their numbers, and classes their labels: also those of which nothing is left."""
    index = whole
    if run.subset.listed:
        index = listed(whole, run)
        index = _with_images(index, (row.image_id for row in index.annotations), index.annotations)
    rng = np.random.default_rng(FIRST_SEED + run.subset.draw)
    if run.only or run.without:
        index = _of_classes(index, run)
    if run.subset.share:
        whole_of_share, index = index, _share(index, run.subset.share, rng)
        _refuse_empty(whole_of_share, index, run)
    if run.subset.shots:
        index = _shots(index, run.subset.shots, rng, fewer=run.subset.listed is not None)
    expected = run.subset.expected_images
    if expected and len(index.images) != expected:
        raise ValueError(
            f"data set {run.name} has {len(index.images)} images of {len(whole.images)} in {run.whole}, "
            f"expected {expected}; is {whole.dataset} complete?"
        )
    boxes, images = len(index.annotations), len(index.images)
    funnel = {"images_found": len(whole.images), "images": images, "boxes": boxes}
    return replace(index, dataset=run.name, funnel=funnel)


def _share(index: Index, share: float, rng: np.random.Generator) -> Index:
    """Of all images, those without objects too; one at least."""
    ids = sorted(row.id for row in index.images)
    drawn = rng.choice(ids, max(1, round(share * len(ids))), replace=False)
    return _with_images(index, drawn.tolist(), index.annotations)


def _refuse_empty(index: Index, drawn: Index, run: SubsetRun) -> None:
    """A share in which nothing can be learned, of an index in which something can."""
    shown = {row.image_id for row in index.annotations if not row.crowd}
    if shown and not shown & {row.id for row in drawn.images}:
        raise ValueError(
            f"data set {run.name}: draw {run.subset.draw} of share {run.subset.share:g} has no object: "
            f"{len(shown)} of {len(index.images)} images of {index.dataset} have any, and none of the "
            f"{len(drawn.images)} drawn; say a larger `share`, or another `draw`, in its file"
        )


def _of_classes(index: Index, run: SubsetRun) -> Index:
    """Objects of other classes are background; images in which nothing else is are left out."""
    if unknown := [name for name in (*run.only, *run.without) if name not in index.classes]:
        found = f"data set {run.name} goes by class {unknown[0]!r}"
        raise ValueError(f"{found}, which {index.dataset} does not have")
    labels = {
        label
        for label, name in enumerate(index.classes)
        if (name in run.only if run.only else name not in run.without)
    }
    kept = [row for row in index.annotations if row.label in labels]
    return _with_images(index, (row.image_id for row in kept), kept)


def _shots(index: Index, shots: int, rng: np.random.Generator, fewer: bool) -> Index:
    """So many objects of each class that has any, and no others, even in the same image; no crowds.

    `fewer`: a class may have fewer, which are then all taken.
    """
    of_class = defaultdict(list)
    for number, row in enumerate(index.annotations):
        if not (row.crowd or row.difficult):
            of_class[row.label].append(number)
    drawn: set[int] = set()
    for label in sorted(of_class):
        if len(of_class[label]) < shots and not fewer:
            found = f"{len(of_class[label])} objects of class {index.classes[label]!r}"
            raise ValueError(f"data set {index.dataset} is to draw {shots} objects, but there are {found}")
        count = min(shots, len(of_class[label]))
        drawn.update(rng.choice(of_class[label], count, replace=False).tolist())
    kept = [row for number, row in enumerate(index.annotations) if number in drawn]
    return _with_images(index, (row.image_id for row in kept), kept)


def _with_images(index: Index, ids: Iterable[int], annotations: list[Annotation]) -> Index:
    kept = set(ids)
    return replace(
        index,
        images=[row for row in index.images if row.id in kept],
        annotations=[row for row in annotations if row.image_id in kept],
    )
