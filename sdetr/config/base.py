"""The one base of all settings models: strict, frozen, and closed to unknown keys."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class SettingsError(Exception):
    """Something in `params/` that a person can mend; one line per mistake: file, line, key, cure."""


class Settings(BaseModel):
    """A group of settings. `exclude_unset` of it is what the layers said, so a new default changes no run."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    def said(self) -> dict[str, Any]:
        """The fields that were given, as plain YAML values; defaults are left out."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)


# YAML knows lists; frozen settings hold tuples. Only the container is lenient, its items stay strict.
Ints = Annotated[tuple[int, ...], Field(strict=False)]
Floats = Annotated[tuple[float, ...], Field(strict=False)]
Strings = Annotated[tuple[str, ...], Field(strict=False)]


def ordered(ends: tuple[Any, Any]) -> tuple[Any, Any]:
    """Validator of a range, which may be a point."""
    if ends[0] > ends[1]:
        raise ValueError(f"found {list(ends)}, expected the smaller number first")
    return ends


def _increasing(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError(f"found {list(values)}, expected numbers that increase, none twice")
    return values


# Each of these in increasing order, so that nothing is meant twice.
Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False), AfterValidator(_increasing)]
Steps = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False), AfterValidator(_increasing)]
Sizes = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1), AfterValidator(_increasing)
]

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
NAMED = r"^[a-z0-9_-]+$"
"""What files of params/, and with them paths, may be called."""
Name = Annotated[str, Field(pattern=NAMED)]
