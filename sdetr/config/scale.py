"""A scale: the same tables at another size. It replaces values only; rules, tables and code stay."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from sdetr.config.base import Count, Name, Seeds, Settings, Strings
from sdetr.data.settings import ResizeSettings


class ResourceSettings(Settings):
    """What one job of a stage asks for."""

    threads: Count = 1
    gpu: Annotated[int, Field(ge=0)] = 0
    """In all; a training is shared by a process on each."""
    nodes: Count = 1
    """Machines that have them, as many each; threads and memory are those of one."""
    mem_mb: Count = 2000
    minutes: Count = 30

    @model_validator(mode="after")
    def _as_many_on_each(self) -> "ResourceSettings":
        if self.nodes > 1 and (self.gpu < self.nodes or self.gpu % self.nodes):
            raise ValueError(
                f"gpu: {self.gpu} cannot be spread evenly over nodes: {self.nodes}; make it a multiple"
            )
        return self


class RehearsalSettings(Settings):
    """Labelled images that a small detector learns by heart before anything is trained."""

    dataset: Name
    model: Name
    protocol: Name = "rehearsal"
    images: Count = 8
    enough: Annotated[float, Field(gt=0, le=100)] = 90.0
    """AP50 to reach, percent; below it, nothing that trains a detector is begun."""
    resize: ResizeSettings | None = None
    """As the images are seen, where objects are too small for the protocol's."""
    boxes: bool = True
    """Whether boxes that may as well be those of other images stop it; false where somebody looked at them
    and they are right."""


class SelectionSettings(Settings):
    """Part of a table; an empty list means all."""

    rows: Strings = ()
    columns: Strings = ()
    seeds: Seeds = ()


Section = dict[str, Any]
"""Settings laid over others, with a `when` of its own; checked where they land."""


class ScaleSettings(Settings):
    """One file of `params/scales/`."""

    compares: bool
    """Whether numbers may stand beside a paper's; false puts a warning on every page."""
    seeds: Annotated[Seeds, Field(min_length=1)]
    """Seeds of fine-tuning where a table does not say otherwise."""
    first: dict[Name, SelectionSettings] = Field(default_factory=dict)
    """The tables that `tables: first` makes."""
    tables: dict[Name, SelectionSettings] = Field(default_factory=dict)
    """Which part of a table this scale makes at all, and with which seeds."""
    datasets: dict[Name, Name] = Field(default_factory=dict)
    """The papers' data sets → those that stand for them here."""
    backbones: dict[Name, Name] = Field(default_factory=dict)
    """The papers' backbones → those that stand for them here."""
    proposers: dict[Name, Name] = Field(default_factory=dict)
    """The papers' proposers → those that stand for them here."""
    view: Section = Field(default_factory=dict)
    """Laid over every recipe of views."""
    views: dict[Name, Section] = Field(default_factory=dict)
    """Laid over a recipe, after `view`; those that extend it add their difference afterwards."""
    pretexts: dict[Name, Section] = Field(default_factory=dict)
    """Laid over a pretext; those that extend it add their difference afterwards."""
    model: Section = Field(default_factory=dict)
    """Laid over every model."""
    models: dict[Name, Section] = Field(default_factory=dict)
    """Laid over a model, after `model`; those that extend it add their difference afterwards."""
    detection: Section = Field(default_factory=dict)
    """Laid over every protocol of this task, and of one_shot and the two of panoptic segmentation."""
    pretrain: Section = Field(default_factory=dict)
    """The same."""
    proposals: Section = Field(default_factory=dict)
    """The same."""
    pictures: Section = Field(default_factory=dict)
    """The same."""
    bench: Section = Field(default_factory=dict)
    """The same; what a step consists of is the pretraining's."""
    protocols: dict[Name, Section] = Field(default_factory=dict)
    """Likewise over a protocol, after the section of its task."""
    rehearsal: RehearsalSettings | None = None
    """What comes before every training of a detector; unset: nothing."""
    shards: Count = 1
    """Jobs that share one data set's proposals; any number gives the same file."""
    resources: dict[Name, ResourceSettings] = Field(default_factory=dict)
    """By stage."""
