"""What a run starts with: a backbone, or all of another detector but what is declared fresh."""

import logging
from collections.abc import Sequence
from pathlib import Path

from sdetr.interop.detectors import FORMAT, TO_QUERY, read_card
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.detector import Detector

log = logging.getLogger(__name__)

SHAPELESS = ("variant", "heads", "points", "temperature", "reference_temperature", "turns", "prenorm")
"""What changes a detector's answers, and the shape of nothing."""


def transfer(detector: Detector, path: Path, fresh: Sequence[str]) -> None:
    """A backbone file fills the backbone; a detector's file fills everything but keys with a `fresh` prefix.

    A mask head that the detector has no place for stays behind: boxes do not depend on it. So does what makes
    a query of a crop, which one-shot detection takes for itself.
    Raises ValueError with a table when any other key is missing, unknown or of another shape.
    """
    tensors, metadata = read_weights(path)
    if metadata.get("kind") == "backbone":
        load_exactly(detector.backbone, tensors, str(path))
        log.info("start: backbone %s; everything after it is new", path)
    elif metadata.get("format") == FORMAT:
        _refuse_another_meaning(read_card(metadata, path), detector, path)
        masks = [] if detector.mask_head else [key for key in tensors if key.startswith("mask_head.")]
        asks = [key for key in tensors if key.startswith(TO_QUERY)]
        used = {key: tensors[key] for key in tensors.keys() - {*masks, *asks}}
        load_exactly(detector, used, str(path), fresh)
        log.info("start: detector %s; new: %s", path, ", ".join(fresh) or "nothing")
        if masks:
            log.info("its mask head, %d parameters, is not used: only boxes are trained here", len(masks))
    else:
        raise ValueError(
            f"{path} says neither `kind: backbone` nor `format: {FORMAT}` in its metadata, but {metadata}; "
            "start from a file that this version wrote"
        )


def _refuse_another_meaning(card: DetectorCard, detector: Detector, path: Path) -> None:
    there = {name: getattr(card.model, name) for name in SHAPELESS} | {"dilated": card.trunk.dilated}
    here = {name: getattr(detector.model, name) for name in SHAPELESS} | {"dilated": detector.trunk.dilated}
    other = [f"{name} {there[name]}, here {here[name]}" for name in there if there[name] != here[name]]
    if other:
        raise ValueError(f"{path} was trained as another detector: {'; '.join(other)}")
