"""Settings of parts of data sets, and of a data set that is whole or part of another. No torch here."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from sdetr.config.base import Count, Name, Settings, Strings
from sdetr.data.fetching.settings import Inside
from sdetr.data.settings import DatasetSettings

SEED = "{seed}"
NameOfDraw = Annotated[str, Field(pattern=r"^[a-z0-9_-]+(\{seed\})?$")]


def of_draw(dataset: str, seed: int) -> str:
    """`coco-train2017-1pct-draw{seed}`: runs of different seeds train on different draws."""
    return dataset.replace(SEED, str(seed))


class SubsetSettings(Settings):
    """Part of a data set, written once as a file of ids: every process and every GPU reads the same one.

    Whatever is said applies in this order: listed, classes, share, shots. The images stay where they are.
    """

    of: Name
    """The whole data set."""
    listed: Inside | None = None
    """Objects that remain, as somebody else drew them: those of an annotation file (COCO's layout) below the
    folder of the whole, or, with `{class}` in its name, of one for each class, of that class alone."""
    classes: Literal["seen", "unseen", "base", "novel"] | None = None
    """Objects that remain: those of the classes that `unseen` or `novel` of the whole names, or of the
    others. Images in which none remains are left out."""
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of the images, drawn evenly."""
    shots: Count | None = None
    """Objects of each class, drawn evenly; all others are left out, in the same image, too. Where they are
    listed a class may have fewer."""
    draw: Annotated[int, Field(ge=0)] = 0
    """Another one is another subset."""
    expected_images: Count | None = None
    """How many images the papers count, of the papers' whole data set."""
    about_images: Count | None = None
    """The same where nobody counts exactly: for estimates, never checked."""

    @model_validator(mode="after")
    def _some_part(self) -> "SubsetSettings":
        if not (self.listed or self.classes or self.share or self.shots):
            raise ValueError(f"of: {self.of}: say which part: listed, classes, share or shots")
        return self


def _kind_of_dataset(values: Any) -> str:
    """A part says of what; a whole how it is laid out."""
    return "part" if ("of" in values if isinstance(values, dict) else hasattr(values, "of")) else "whole"


Dataset = Annotated[
    Annotated[DatasetSettings, Tag("whole")] | Annotated[SubsetSettings, Tag("part")],
    Discriminator(_kind_of_dataset),
]


class SubsetRun(Settings):
    """The same of a part of a data set."""

    stage: Literal["subset"]
    recipe: int
    name: Name
    subset: SubsetSettings
    whole: str
    """Its index."""
    only: Strings = ()
    """Classes whose objects remain."""
    without: Strings = ()
    """Classes whose objects do not."""
