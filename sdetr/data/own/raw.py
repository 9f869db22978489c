"""What annotation files say, before anybody has judged it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

Form: TypeAlias = Literal["xywh", "xyxy", "centre"]
"""xywh and xyxy are pixels; centre is x, y, width and height as fractions of the image."""


class RawImage(NamedTuple):
    """An image that is there, or that something speaks of."""

    file: str
    """Below the root."""
    where: str = ""
    """What speaks of its objects; nothing does where it is empty."""
    said_size: tuple[float, float] | None = None
    """(H, W) that is said there, pixels."""


class RawObject(NamedTuple):
    """One annotation."""

    image: int
    """Its place in the list of images."""
    label: str
    box: object
    """Four numbers in the set's form, or whatever stands there instead."""
    where: str
    """File and place in it."""
    area: object = None
    crowd: bool = False
    difficult: bool = False


@dataclass
class RawSet:
    """One part of a data set, as its files have it."""

    root: Path
    form: Form
    images: list[RawImage] = field(default_factory=list)
    objects: list[RawObject] = field(default_factory=list)
    categories: dict[str, int] = field(default_factory=dict)
    """Class → the id that the files have for it, in their order."""
    above: set[str] = field(default_factory=set)
    """Names of categories above others (COCO's supercategory)."""
    missing: int = 0
    """Images that annotation files speak of and that are not there."""
