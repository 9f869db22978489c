"""Experiments: the checked settings of single runs, composed from the layers of `params/` and a scale."""

from dataclasses import dataclass
from functools import cached_property

from sdetr.config.check import check
from sdetr.config.layers import Facts, Layer, Params
from sdetr.config.scale import ScaleSettings
from sdetr.config.start import Start
from sdetr.data.settings import DatasetSettings
from sdetr.models.settings import ModelSettings
from sdetr.training.settings import Backbone, FetchedBackbone, ProtocolSettings, TrainedBackbone


@dataclass(frozen=True)
class Composer:
    """Answers "what are the settings of …" for one scale."""

    params: Params
    scale_name: str

    @cached_property
    def _scale_layer(self) -> Layer:
        return self.params.resolve("scales", self.scale_name)

    @cached_property
    def scale(self) -> ScaleSettings:
        return check(ScaleSettings, self._scale_layer)

    def dataset_name(self, name: str) -> str:
        """What stands for a data set at this scale; the name has to be that of a file either way."""
        self.params.kin("datasets", name)
        return self.scale.datasets.get(name, name)

    def dataset(self, name: str) -> DatasetSettings:
        return check(DatasetSettings, self.params.resolve("datasets", self.dataset_name(name)))

    def backbone(self, name: str) -> TrainedBackbone | FetchedBackbone:
        self.params.kin("backbones", name)
        layer = self.params.resolve("backbones", self.scale.backbones.get(name, name))
        settings: TrainedBackbone | FetchedBackbone = check(Backbone, layer)
        return settings

    def model(self, name: str, facts: Facts) -> ModelSettings:
        layer = self._over(self.params.resolve("models", name, facts), ("model",), facts)
        return check(ModelSettings, self._over_kin(layer, "models", name, facts))

    def protocol(self, name: str, facts: Facts) -> ProtocolSettings:
        layer = self.params.resolve("protocols", name, facts)
        task = layer.values.get("task")
        laid = self._over(layer, (str(task),), facts) if task in ScaleSettings.model_fields else layer
        return check(ProtocolSettings, self._over_kin(laid, "protocols", name, facts))

    def facts(self, model: str, protocol: str, start: Start) -> Facts:
        """What a `when` may ask about a fine-tuning run; data sets are the papers', whatever the scale."""
        plain = self.params.resolve("protocols", protocol, {"model": self.params.kin("models", model)}).values
        facts = {
            "model": self.params.kin("models", model),
            "dataset": self._dataset_kin(str(plain.get("dataset"))),
        }
        if start.pretext and start.pretraining:
            facts["pretext"] = self.params.kin("pretexts", start.pretext)
            source = self.params.resolve("protocols", start.pretraining.protocol).values.get("dataset")
            facts["source"] = self._dataset_kin(str(source))
        return facts

    def _dataset_kin(self, name: str) -> tuple[str, ...]:
        return (*self.params.kin("datasets", name), name.split("-")[0])

    def _over(self, layer: Layer, sections: tuple[str, ...], facts: Facts) -> Layer:
        section = self._scale_layer
        for name in sections:
            section = section.under(name)
        return self.params.bend(section, facts).over(layer)

    def _over_kin(self, layer: Layer, kind: str, name: str, facts: Facts) -> Layer:
        for relative in reversed(self.params.kin(kind, name)):
            layer = self._over(layer, (kind, relative), facts)
        return layer
