"""A pretrained detector with the class head that it was pretrained with."""

from pathlib import Path

import torch

from sdetr.evaluation.settings import OBJECT, PretrainedSettings, UntrainedSettings
from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from sdetr.objectives.regions_found import CLASSES, REGION
from sdetr.training.transfer import transfer

HEAD = "class_head."


def without_labels(what: PretrainedSettings | UntrainedSettings, logits: int) -> Detector:
    """In eval mode, on the CPU; one that nothing has trained has so many `logits`."""
    if isinstance(what, PretrainedSettings):
        return as_pretrained(Path(what.init), Path(what.heads))
    torch.manual_seed(what.seed)
    detector = Detector(what.model, what.trunk, logits)
    transfer(detector, Path(what.init), ())
    return detector.eval()


def as_pretrained(weights: Path, heads: Path) -> Detector:
    """In eval mode, on the CPU; logit REGION of its class head says how surely there is an object.

    `heads` are what the pretext threw away. They are read where the detector's own class head has learned
    nothing. Raises ValueError when neither file has a head that knows objects.
    """
    tensors, metadata = read_weights(weights)
    card = read_card(metadata, weights)
    if card.classes:
        if card.classes[REGION : REGION + 1] != (OBJECT,):
            known = ", ".join(card.classes[:5])
            raise ValueError(
                f"{weights} has the classes {known}, expected that class {REGION} is {OBJECT!r}; "
                "give a detector as a pretext left it, not a fine-tuned one"
            )
        return load_detector(weights)[0]
    thrown, _ = read_weights(heads)
    own = {key.removeprefix(HEAD): value for key, value in thrown.items() if key.startswith(HEAD)}
    if not own:
        raise ValueError(
            f"{heads} has no key {HEAD}*, but {weights} has no classes either; pretrain it again"
        )
    # a softmax family counts "none" by itself
    classes = CLASSES if VARIANTS[card.model.variant].focal else CLASSES - 1
    detector = Detector(card.model, card.trunk, classes)
    load_exactly(detector, tensors, str(weights), card.model.of_classes)
    for head in detector.class_head:
        load_exactly(head, own, str(heads))
    return detector.eval()
