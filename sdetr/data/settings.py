"""Settings of data sets, of the embedded generator, and of augmentation. No torch here."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sdetr.config.base import Count, Fraction, Name, Settings, Sizes, Strings, ordered
from sdetr.data.fetching.settings import Archives
from sdetr.data.own.settings import OwnSettings

RECIPES = {"data": 1, "subset": 1}
"""By stage; raise one when the files that it writes change for the same settings."""

CLASS = "{class}"
"""In the name of a file: there is one for each class."""

DRAWN = "generated-{split}"
"""Folder beside the index `{split}.json` in which images that we draw lie."""

Size = Annotated[tuple[Count, Count], Field(strict=False)]


class ScenesSettings(Settings):
    """Photograph-like scenes with several textured objects (demo scale of the detection data sets)."""

    kind: Literal["scenes"]
    images: Count
    size: Size
    """(H, W) of an upright scene, pixels."""
    objects: Size
    """Fewest and most objects of a scene."""
    object_px: Size
    """Smallest and largest side of an object, pixels, log-uniform in between."""
    visible: Fraction
    """Least share of every object that no other object hides."""
    odd: Fraction
    """Share of odd scenes: grayscale, EXIF-rotated, with a crowd, with difficult objects; a quarter each."""
    split: Literal["train", "val"]
    """The two splits of a seed share no scene; a data set of fewer images is a prefix of one of more."""
    seed: int

    @model_validator(mode="after")
    def _objects_fit(self) -> "ScenesSettings":
        for field, (low, high) in (("objects", self.objects), ("object_px", self.object_px)):
            if low > high:
                raise ValueError(f"{field} goes from {low} to {high}; give the smaller number first")
        if self.object_px[1] > min(self.size):
            raise ValueError(
                f"objects of {self.object_px[1]} px do not fit into scenes of {self.size} (H, W)"
            )
        return self


class ObjectsSettings(Settings):
    """One object an image, in a folder per class: what the embedded backbone is trained on."""

    kind: Literal["objects"]
    images: Count
    size: Size
    """(H, W), pixels."""
    split: Literal["train", "val"]
    seed: int


Generator = Annotated[ScenesSettings | ObjectsSettings, Field(discriminator="kind")]


class DatasetSettings(Settings):
    """One split of one data set: where it is, how it is laid out, which classes it has."""

    layout: Literal["coco", "voc", "folder", "own"]
    """coco: instances JSON (+ panoptic); voc: ImageSets and XML; folder: images, class folders if any; what
    is odd in these is an error. own: anybody's, of any tool, mended where that is safe."""
    split: Name
    """Names the index file; for voc also the ImageSets list unless `lists` says otherwise."""
    classes: Strings = ()
    """Names in label order; must be given for voc; coco takes them from its file, folder from its folders."""
    unseen: Strings = ()
    """Classes that one-shot detection holds back."""
    novel: Strings = ()
    """Classes that few-shot detection holds back."""
    roots: Strings = ()
    """Folders, tried in turn below `data/raw/<data set>/`, or absolute; several voc roots are joined."""
    lists: Strings = ()
    """One ImageSets list (voc) or annotation file (coco) per root."""
    images: str = ""
    """Image folder below the root (coco)."""
    images_of: dict[str, str] = Field(default_factory=dict)
    """In place of it where there are several: how names of image files begin → their folder (coco)."""
    panoptic: str = ""
    """Panoptic JSON below the root (coco); its PNG folder has the same name without `.json`. With it, objects
    are segments, of things and of stuff, crowds among them."""
    one_based: bool = False
    """VOC's corners start at 1: x0 = xmin − 1, y0 = ymin − 1, x1 = xmax, y1 = ymax."""
    expected_images: Count | None = None
    """How many images the papers count; the index is refused when it has another number."""
    expected_objects: Count | None = None
    """How many annotated objects they count, difficult ones included, before any is dropped as broken."""
    only: Strings = ()
    """Class folders to read, where a folder has more; none: all of them (folder layout)."""
    own: OwnSettings | None = None
    """How a data set of layout own is read."""
    generate: Generator | None = None
    """Made by us, in the layout named above, instead of looked for."""
    # How a data set came here decides nothing, so that these two are in no settings file of a job.
    fetch: Archives = Field(default=(), exclude=True)
    """What `sdetr fetch` downloads when it is not there."""
    ask: str = Field(default="", exclude=True)
    """Where and how to get data that may not be downloaded without being asked for."""
    for_parts: Strings = Field(default=(), exclude=True)
    """Files below the data set's folder that parts of it are `listed` in."""

    @model_validator(mode="after")
    def _lists_belong_to_roots(self) -> "DatasetSettings":
        if self.lists and len(self.lists) != len(self.roots):
            raise ValueError(f"lists: {len(self.lists)} for {len(self.roots)} roots; give one for each")
        if self.layout == "voc" and not self.classes:
            raise ValueError("classes: a voc data set has to name them, in label order")
        if self.panoptic and (self.layout != "coco" or len(self.roots) > 1):
            raise ValueError("panoptic: expected a coco data set, of one root at most")
        if (self.layout == "own") != (self.own is not None):
            raise ValueError("own: expected with layout own, and with no other")
        if self.own and len(self.roots) != 1:
            raise ValueError(f"roots: found {len(self.roots)}, a data set of layout own has one")
        if self.only and self.layout != "folder":
            raise ValueError(f"only: a {self.layout} data set has no class folders")
        if self.images and self.images_of:
            raise ValueError(f"images_of: found images: {self.images} too, expected one of them")
        if self.images_of and self.layout != "coco":
            raise ValueError(f"images_of: a {self.layout} data set says in `roots` where its images are")
        if not self.classes and any(
            CLASS in name for name in (*self.for_parts, *(a.into for a in self.fetch))
        ):
            raise ValueError(f"classes: none are named, but a file's name has {CLASS}, which stands for each")
        if odd := [a.into for a in self.fetch if (CLASS in a.url) != (CLASS in a.into)]:
            raise ValueError(f"fetch: {odd[0]}: expected {CLASS} both in `url` and in `into`, or in neither")
        return self

    @property
    def image_folders(self) -> tuple[str, ...]:
        """Below the root (coco)."""
        return tuple(dict.fromkeys(self.images_of.values())) or (self.images,)


def of_each(name: str, classes: Sequence[str]) -> list[str]:
    """A file's name, or those of one for each class."""
    return [name.replace(CLASS, one) for one in classes] if CLASS in name else [name]


class CropSettings(Settings):
    """DETR's second branch of augmentation: resize, crop, and only then the final resize (DETR §A.4)."""

    probability: Fraction
    short: Sizes
    """Short sides drawn from before the crop, pixels."""
    side: Annotated[Size, AfterValidator(ordered)]
    """Smallest and largest side of the crop, pixels."""


class AugmentSettings(Settings):
    """How a training image becomes a view; sizes as DETR's (arXiv:2005.12872 §A.4)."""

    flip: Fraction
    short: Sizes
    """Short sides drawn from, pixels."""
    longest: Count
    """No side is longer, pixels."""
    crop: CropSettings | None = None


class BucketSettings(Settings):
    """How images of alike shape come to share a batch; as it stands, they do not, as in the papers."""

    pool: Count = 1
    """Batches among which images find their like; 1: each batch is as it was drawn."""
    multiple_px: Count = 1
    """Sides of a padded batch are multiples of it; of the backbone's stride, no cell is part padding."""
    shapes: Count | None = None
    """Most shapes that padded batches have, but for rare ones; learned from the first images. Unset: any."""


AS_DRAWN = BucketSettings()
"""Batches of any images."""


class ResizeSettings(Settings):
    """How a test image becomes a view."""

    short: Count
    longest: Count


class DataRun(Settings):
    """Everything that decides one index of `data/raw/`."""

    stage: Literal["data"]
    recipe: int
    name: Name
    dataset: DatasetSettings
