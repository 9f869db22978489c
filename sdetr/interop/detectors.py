"""Detector files: weights that say which detector they are of, so that they can be used alone."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import load_exactly, read_weights, save_tensors
from sdetr.models.detector import Detector

FORMAT = "sdetr-2"
"""Raised when keys or shapes of detectors change."""
TO_QUERY = "to_query."
"""Keys of what makes a query of a crop, in files of detectors that are asked with one, and of UP-DETR."""


def save_detector(tensors: Mapping[str, Tensor], path: Path, card: DetectorCard) -> None:
    """`tensors` by the keys of `Detector.state_dict()`."""
    said = card.model_dump_json(exclude_unset=True)
    save_tensors(tensors, path, {"format": FORMAT, "detector": said})


def read_card(metadata: Mapping[str, str], path: Path) -> DetectorCard:
    """What a file says of itself. Raises ValueError if it says nothing, or what is unknown here."""
    if metadata.get("format") != FORMAT or "detector" not in metadata:
        raise ValueError(
            f"{path} is no detector file of this version: its metadata say {dict(metadata)}, expected "
            f"`format: {FORMAT}` and `detector`; train it again, or make one with `sdetr import`"
        )
    try:
        return DetectorCard.model_validate_json(metadata["detector"])
    except ValidationError as error:
        raise ValueError(f"{path} describes a detector that this version does not know: {error}") from error


def load_detector(path: Path) -> tuple[Detector, DetectorCard]:
    """The detector of a file, in eval mode, on the CPU, every key of it used.

    Raises FileNotFoundError, or ValueError if it has no class head, does not fit what it says of itself, or
    answers nothing without a crop.
    """
    tensors, metadata = read_weights(path)
    card = read_card(metadata, path)
    if card.query_px:
        raise ValueError(
            f"{path} is of one-shot detection: it finds what a crop shows, and knows no classes; "
            "give a detector that was fine-tuned with another task"
        )
    if not card.classes:
        raise ValueError(
            f"{path} has no class head: no classes were known when it was made; fine-tune it first"
        )
    detector = Detector(card.model, card.trunk, len(card.classes))
    load_exactly(detector, tensors, str(path))
    return detector.eval(), card
