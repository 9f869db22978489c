"""Experiments: the checked settings of single runs, composed from the layers of `params/` and a scale."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sdetr.config.base import SettingsError
from sdetr.config.check import check
from sdetr.config.job import STAGES
from sdetr.config.layers import Facts, Layer, Params, nearest
from sdetr.config.scale import ScaleSettings
from sdetr.config.start import Start
from sdetr.data.settings import DatasetSettings
from sdetr.data.subsets.settings import Dataset, SubsetSettings, of_draw
from sdetr.evaluation.look_settings import PicturesProtocolSettings
from sdetr.evaluation.settings import CostProtocolSettings, ProposalsProtocolSettings
from sdetr.models.settings import BoxModel, ModelSettings
from sdetr.objectives.settings import Pretext
from sdetr.proposals.settings import Proposer
from sdetr.training.backbone_settings import Backbone, FetchedBackbone, RandomBackbone, TrainedBackbone
from sdetr.training.settings import AnyProtocol, PretrainProtocolSettings, Protocol, ProtocolSettings
from sdetr.views.settings import Views

T = TypeVar("T")
SECTIONS = dict.fromkeys(("one_shot", "panoptic_boxes", "panoptic_masks"), "detection")
"""Task → the section of a scale that is laid over its protocols, where that is not its own."""


@dataclass(frozen=True)
class Composer:
    """Answers "what are the settings of …" for one scale."""

    params: Params
    scale_name: str
    used: list[Layer] = field(default_factory=list, compare=False)
    """What every answer was made of."""
    _datasets: dict[str, DatasetSettings | SubsetSettings] = field(default_factory=dict, compare=False)

    @cached_property
    def _scale_layer(self) -> Layer:
        return self.params.resolve("scales", self.scale_name)

    @cached_property
    def scale(self) -> ScaleSettings:
        """Raises SettingsError, too, for a section about something that has no file."""
        scale: ScaleSettings = check(ScaleSettings, self._scale_layer)
        kinds = "models views pretexts protocols datasets backbones proposers tables"
        for kind in kinds.split():
            known = self.params.names(kind)
            for name in getattr(scale, kind):
                if name not in known:
                    place = self._scale_layer.places[kind, name]
                    raise SettingsError(f"{place}: {kind}: {nearest(name, known)}")
        for stage in scale.resources:
            if stage not in STAGES:
                raise SettingsError(
                    f"{self._scale_layer.places['resources', stage]}: {nearest(stage, STAGES)}"
                )
        return scale

    def dataset_name(self, name: str) -> str:
        """What stands for a data set at this scale; the name has to be that of a file either way.

        A part is named after the whole: `voc12-trainval-10pct` becomes `shapes-10pct` where shapes stand for
        voc12-trainval.
        """
        self.params.kin("datasets", name)
        self.whole_name(name)
        here, settings = self.scale.datasets.get(name, name), self.dataset(name)
        if isinstance(settings, SubsetSettings):
            whole = self.dataset_name(settings.of)
            if whole != settings.of:
                return f"{whole}-{here.removeprefix(f'{settings.of}-')}"
        return here

    def dataset(self, name: str) -> DatasetSettings | SubsetSettings:
        if name not in self._datasets:
            layer = self.params.resolve("datasets", self.scale.datasets.get(name, name))
            self._datasets[name] = self._checked(Dataset, layer)
        return self._datasets[name]

    def whole(self, name: str) -> DatasetSettings:
        """A data set, or the one that it is a part of."""
        settings = self.dataset(self.whole_name(name))
        assert isinstance(settings, DatasetSettings)
        return settings

    def whole_name(self, name: str) -> str:
        """Raises SettingsError for a part of itself."""
        seen = [name]
        while isinstance(settings := self.dataset(seen[-1]), SubsetSettings):
            if settings.of in seen:
                raise SettingsError(f"data set {' is part of '.join([*seen, settings.of])}; name a whole one")
            seen.append(settings.of)
        return seen[-1]

    def backbone(self, name: str) -> TrainedBackbone | FetchedBackbone | RandomBackbone:
        self.params.kin("backbones", name)
        layer = self.params.resolve("backbones", self.scale.backbones.get(name, name))
        settings: TrainedBackbone | FetchedBackbone = self._checked(Backbone, layer)
        return settings

    def proposer(self, name: str) -> Proposer:
        self.params.kin("proposers", name)
        layer = self.params.resolve("proposers", self.scale.proposers.get(name, name))
        settings: Proposer = self._checked(Proposer, layer)
        return settings

    def views(self, name: str, facts: Facts) -> Views:
        return self._checked(Views, self._layer("views", name, facts, "view"))

    def pretext(self, name: str, facts: Facts) -> Pretext:
        return self._checked(Pretext, self._layer("pretexts", name, facts))

    def model(self, name: str, facts: Facts) -> ModelSettings:
        return self._checked(BoxModel, self._layer("models", name, facts, "model"))

    def finetuning(self, name: str, facts: Facts) -> ProtocolSettings:
        """Raises SettingsError for a protocol that pretrains."""
        settings = self._protocol(name, facts)
        if not isinstance(settings, ProtocolSettings):
            raise SettingsError(f"protocol {name} is of task {settings.task}; detection is needed here")
        return settings

    def pretraining(self, name: str, facts: Facts) -> PretrainProtocolSettings:
        """Raises SettingsError for a protocol that needs labels."""
        settings = self._protocol(name, facts)
        if not isinstance(settings, PretrainProtocolSettings):
            raise SettingsError(f"protocol {name} is of task {settings.task}; a pretext needs pretrain")
        return settings

    def measuring(self, name: str) -> ProposalsProtocolSettings:
        """Raises SettingsError for a protocol that trains."""
        settings = self._protocol(name, {})
        if not isinstance(settings, ProposalsProtocolSettings):
            raise SettingsError(f"protocol {name} trains; here one of task proposals is needed")
        return settings

    def costing(self, name: str) -> CostProtocolSettings:
        """Raises SettingsError for a protocol that measures no cost."""
        settings = self._protocol(name, {})
        if not isinstance(settings, CostProtocolSettings):
            raise SettingsError(f"protocol {name} is of task {settings.task}; here one of bench is needed")
        return settings

    def picturing(self, name: str) -> PicturesProtocolSettings:
        """Raises SettingsError for a protocol that draws nothing."""
        settings = self._protocol(name, {})
        if not isinstance(settings, PicturesProtocolSettings):
            raise SettingsError(f"protocol {name} is of task {settings.task}; here one of pictures is needed")
        return settings

    def task(self, protocol: str) -> str:
        """What kind of protocol it is."""
        return str(self.params.resolve("protocols", protocol).values.get("task"))

    def finetuning_facts(self, model: str, protocol: str, start: Start) -> Facts:
        """What a `when` may ask about a fine-tuning run; data sets are the papers', whatever the scale."""
        facts = {"model": self.params.kin("models", model), "dataset": self._dataset_of(protocol, model)}
        if start.pretext and start.pretraining:
            facts["pretext"] = self.params.kin("pretexts", start.pretext)
            facts["source"] = self._dataset_of(start.pretraining.protocol, model)
        return facts

    def pretraining_facts(self, model: str, protocol: str, pretext: str) -> Facts:
        """The same for a pretraining run, whose data set is the source itself."""
        source = self._dataset_of(protocol, model)
        kin = {"model": self.params.kin("models", model), "pretext": self.params.kin("pretexts", pretext)}
        return kin | {"dataset": source, "source": source}

    def _dataset_of(self, protocol: str, model: str) -> tuple[str, ...]:
        layer = self.params.resolve("protocols", protocol, {"model": self.params.kin("models", model)})
        name = of_draw(str(layer.values.get("dataset")), 0)
        return (*self.params.kin("datasets", name), name.split("-")[0])

    def _protocol(self, name: str, facts: Facts) -> AnyProtocol:
        task = str(self.params.resolve("protocols", name, facts).values.get("task"))
        section = SECTIONS.get(task, task)
        section = section if section in ScaleSettings.model_fields else ""
        layer = self._layer("protocols", name, facts, section)
        settings: AnyProtocol = self._checked(Protocol, layer)
        return settings

    def _checked(self, kind: type[T] | Any, layer: Layer) -> T:
        self.used.append(layer)
        settings: T = check(kind, layer)
        return settings

    def _layer(self, kind: str, name: str, facts: Facts, section: str = "") -> Layer:
        """A file and what the scale lays over it: over its ancestors first, so that a child's difference
        stays one; then over all of its kind; then over the file itself.
        """

        def named(relative: str) -> Layer:
            return self.params.bend(self._scale_layer.under(kind).under(relative), facts)

        layer = self.params.resolve(kind, name, facts, named)
        if section:
            layer = self.params.bend(self._scale_layer.under(section), facts).over(layer)
        return named(name).over(layer)
