"""What a detector computes that others have no word for, folded exactly into parameters that they have."""

from torch import Tensor

from sdetr.interop.settings import DetectorCard
from sdetr.models.variants import VARIANTS

Tensors = dict[str, Tensor]


def folded(tensors: Tensors, card: DetectorCard) -> tuple[Tensors, DetectorCard]:
    """A detector that answers the same. Raises ValueError where there is no such."""
    if card.trunk.standardise:
        tensors, card = _without_standardise(tensors, card)
    if card.model.variant == "dn_dab":
        tensors, card = _without_unknown(tensors, card)
    return tensors, card


def _without_standardise(tensors: Tensors, card: DetectorCard) -> tuple[Tensors, DetectorCard]:
    """A channel's mean and deviation, into the 1×1 convolution that reads them."""
    row = VARIANTS[card.model.variant]
    if row.levels > 1:
        raise ValueError(
            f"the backbone's last map is standardised, and {card.model.variant}'s 3×3 convolution pads it "
            "with zeros afterwards; no BatchNorm does that, so Hugging Face's ResNet cannot"
        )
    rest = dict(tensors)
    mean = rest.pop("backbone.standard_mean").double()
    deviation = rest.pop("backbone.standard_std").double()
    conv = "neck.levels.0.0" if row.group_norm else "neck.levels.0"
    weight = rest[f"{conv}.weight"].double() / deviation[:, None, None]  # (D, C, 1, 1)
    rest[f"{conv}.bias"] = (rest[f"{conv}.bias"].double() - weight.sum((2, 3)) @ mean).float()
    rest[f"{conv}.weight"] = weight.float()
    trunk = {key: value for key, value in card.trunk.said().items() if key != "standardise"}
    return rest, _with(card, trunk=trunk)


def _without_unknown(tensors: Tensors, card: DetectorCard) -> tuple[Tensors, DetectorCard]:
    """The content of queries made from no object, into DAB-DETR's patterns: one is added to every query."""
    rest = dict(tensors)
    rest.pop("queries.labels")
    unknown = rest.pop("queries.unknown")
    content = unknown.new_zeros(1, card.model.width)
    content[0, :-1] = unknown  # the last channel says whether a query was made from an object
    rest["queries.patterns"] = content + rest.get("queries.patterns", content.new_zeros(1, 1))
    model = {key: value for key, value in card.model.said().items() if key != "denoising"}
    return rest, _with(card, model=model | {"variant": "dab", "patterns": len(rest["queries.patterns"])})


def _with(card: DetectorCard, **changes: object) -> DetectorCard:
    return DetectorCard.model_validate(card.said() | changes)
