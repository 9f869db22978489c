"""Which settings a published detector has: shapes say most, its own words the rest, then a named model."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sdetr.interop.facts import Facts
from sdetr.interop.names import family_of
from sdetr.interop.sizes import Tensors, points_of, sizes_of
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS

log = logging.getLogger(__name__)

TOLD = ("heads", "queries", "temperature", "dropout")
"""Fields that no shape tells; the first three change what a detector answers."""


@dataclass(frozen=True)
class Known:
    """Settings that are at hand, from `params/models/`."""

    published: Callable[[str], ModelSettings]
    """Variant → its published settings."""
    named: ModelSettings | None = None
    """What a person says that the detector is."""
    name: str = ""


def settle(
    tensors: Tensors, variant: str, facts: Facts, known: Known, source: str, masks: str | None
) -> ModelSettings:
    """`masks`: how heads of a mask head look, if there is one.

    Raises ValueError when a named model contradicts the file, or the words of the file make no sense.
    """
    sizes = sizes_of(tensors, variant, source)
    words = {name: value for name, value in facts.fields.items() if _speaks_of(name, variant)}
    told = {name: value for name, value in words.items() if name not in sizes}
    base = known.named or known.published(variant)
    if known.named is not None:
        _agree(known, sizes | {name: v for name, v in told.items() if name in TOLD[:3]}, source)
    said = _nested(base.said() | sizes | ({"mask_attention": masks} if masks else {}), told)
    settings = _checked(said, facts.origin)
    if VARIANTS[variant].deformable:
        points = points_of(tensors, settings, source)
        if known.named is not None:
            _agree(known, {"points": points}, source)
        settings = _checked(said | {"points": points}, facts.origin)
    rest = f"params/models/{known.name or variant}.yaml"
    for name in TOLD:
        where = "its shapes" if name in sizes else facts.origin if name in told else rest
        log.info("%s: %s, from %s", name, getattr(settings, name), where)
    return settings


def _speaks_of(name: str, variant: str) -> bool:
    """Trainers have options for what their detector does not do."""
    row = VARIANTS[variant]
    if name == "temperature":  # DAB-Deformable's trainer keeps 20, and its grid has 10000 all the same
        return family_of(variant) == "dab"
    if name.startswith("denoising."):
        return row.denoise
    return name != "detection.no_object" or not row.focal


def _agree(known: Known, found: dict[str, Any], source: str) -> None:
    assert known.named is not None
    for name, value in found.items():
        expected = getattr(known.named, name)
        if value != expected:
            raise ValueError(
                f"{source} has {name} {value}, but params/models/{known.name}.yaml says {expected}; "
                "name another model, or none"
            )


def _nested(said: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Dotted names over nested settings."""
    said = dict(said)
    for name, value in told.items():
        group, _, rest = name.partition(".")
        said[group] = _nested(said.get(group) or {}, {rest: value}) if rest else value
    return said


def _checked(said: dict[str, Any], origin: str) -> ModelSettings:
    try:
        return ModelSettings.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        raise ValueError(f"{origin}: {where}: {first['msg']}") from error
