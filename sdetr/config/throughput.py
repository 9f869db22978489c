"""How many images a second runs look at: files of `params/throughput/`, what was published or measured."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from sdetr.config.base import Count, Positive, Settings, Strings
from sdetr.config.check import check
from sdetr.config.job import Job
from sdetr.config.layers import Params
from sdetr.training.settings import FinetuneRun, PretrainRun

ORDER = ("measured", "published")
"""What was measured with this code is believed before what others say of theirs."""


class RateSettings(Settings):
    """Of runs that train alike."""

    stage: Literal["pretrain", "finetune"]
    variants: Strings
    """Kinds of detectors, of their published sizes on a ResNet-50."""
    pretext: Literal["siamese", "updetr", "detreg"] | None = None
    """Of pretrainings, whose backbone is frozen."""
    longest: Count
    """Largest side of their images, pixels."""
    images_per_second: Positive
    """Of one GPU; an image whose two views are looked at is one."""
    source: str


class ThroughputSettings(Settings):
    """One file of `params/throughput/`."""

    kind: Literal["measured", "published"]
    device: str
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d(-\d\d)?$")]
    rates: Annotated[tuple[RateSettings, ...], Field(strict=False)]


@dataclass(frozen=True)
class Rate:
    """Images a second, and who says so."""

    images_per_second: float
    device: str
    source: str


@dataclass(frozen=True)
class Alike:
    """Runs whose steps cost the same."""

    stage: str
    variant: str
    published: bool
    """Whether the detector has its published sizes, on a ResNet-50."""
    queries: int
    """Nothing that is stored tells apart how many."""
    pretext: str | None
    longest: int
    """Side of an image, pixels."""
    frozen: bool
    """Whether the backbone does not learn."""
    heads: bool = False
    """Whether nothing but heads does."""
    masks: bool = False
    """Whether nothing but a mask head does."""

    def __str__(self) -> str:
        what = f"{self.pretext} on {self.variant}" if self.pretext else self.variant
        usual = self.frozen == (self.stage == "pretrain")
        backbone = "" if usual else f", backbone {'frozen' if self.frozen else 'learning'}"
        backbone = ", heads alone" if self.heads else ", masks alone" if self.masks else backbone
        return f"{self.stage} {what}, {self.queries} queries, images up to {self.longest} px{backbone}"


def alike(job: Job) -> Alike:
    """Of a run that trains a detector."""
    run: PretrainRun | FinetuneRun
    if job.stage == "pretrain":
        run = TypeAdapter(PretrainRun).validate_python(job.settings)
        longest, pretext = run.protocol.longest, run.pretext.kind
    else:
        run = TypeAdapter(FinetuneRun).validate_python(job.settings)
        longest, pretext = run.protocol.augment.longest, None
    model, trunk = run.model, run.trunk
    published = model.width == 256 and model.encoder_layers == model.decoder_layers == 6 and trunk.width == 64
    published = published and trunk.arch == "resnet50" and not trunk.dilated
    frozen = run.protocol.lr_backbone == 0
    heads = isinstance(run, FinetuneRun) and run.protocol.train == "heads"
    masks = isinstance(run, FinetuneRun) and run.protocol.masks is not None
    return Alike(job.stage, model.variant, published, model.asked, pretext, longest, frozen, heads, masks)


def stored(params: Params) -> list[ThroughputSettings]:
    """All files, those first that are believed first. Raises SettingsError."""
    names = params.names("throughput")
    files: list[ThroughputSettings] = [
        check(ThroughputSettings, params.resolve("throughput", name)) for name in names
    ]
    return sorted(files, key=lambda file: ORDER.index(file.kind))


def rate_of(kind: Alike, files: list[ThroughputSettings]) -> Rate | None:
    """None where nobody says."""
    for file in files:
        for one in file.rates:
            fits = (
                kind.variant in one.variants and kind.frozen == (one.stage == "pretrain") and kind.published
            )
            if fits and (kind.stage, kind.pretext, kind.longest) == (one.stage, one.pretext, one.longest):
                return Rate(one.images_per_second, file.device, f"{file.kind} {file.date}: {one.source}")
    return None
