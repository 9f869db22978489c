"""How somebody's own data set lies on disk, and what is done about what is wrong with it."""

from typing import Literal

from pydantic import Field, model_validator

from sdetr.config.base import Fraction, Settings, Strings


class OwnSettings(Settings):
    """`sdetr data add` writes it; everything in it may be edited."""

    format: Literal["coco", "voc", "yolo", "imagefolder", "folder"]
    """coco: one JSON (Roboflow's and CVAT's too); voc: an XML per image; yolo: a text per image, fractions;
    imagefolder: Hugging Face's metadata.jsonl; folder: images alone."""
    images: str = ""
    """Folder of the images, below the root."""
    annotations: str = ""
    """File or folder of the annotations, below the root."""
    listed: str = ""
    """List of names of images, below the root, one per line (voc); without it all of them."""
    one_based: bool = False
    """Corners start at 1, as in PASCAL VOC; recorded, never guessed (voc)."""
    hold_out: Fraction = 0.0
    """Share of images that are held out of training where the tool made no part for it, by their names."""
    held: bool = False
    """This part is those that are held out."""
    unlabelled: Literal["negative", "skip"] = "negative"
    """An image that no annotation speaks of has no object, or is left out."""
    merge: dict[str, str] = Field(default_factory=dict)
    """Class names → the class that they are; where two categories share a name, the name → itself."""
    drop: Strings = ()
    """Classes that are left out with their objects."""
    allow_truncated: bool = False
    """A cut-off image is used as far as it goes."""
    most_left_out: Fraction = 0.05
    """Share of images, or of boxes, that may be left out before that is an error."""
    strict: bool = False
    """What is mended or left out by guess is an error."""

    @model_validator(mode="after")
    def _complete(self) -> "OwnSettings":
        if self.format in ("coco", "voc", "yolo", "imagefolder") and not self.annotations:
            raise ValueError(f"annotations: a data set of format {self.format} has to say where they are")
        if self.listed and self.format != "voc":
            raise ValueError(f"listed: a data set of format {self.format} has no lists of names")
        return self
