"""Jobs of each stage: settings from the composer, files by the one layout of `data/` and `reports/`."""

from dataclasses import dataclass

import sdetr.data.settings as data
import sdetr.evaluation.settings as evaluation
import sdetr.training.settings as training
from sdetr.config.base import Settings, SettingsError
from sdetr.config.experiment import Composer
from sdetr.config.job import Job
from sdetr.config.layers import nearest
from sdetr.config.plan import Plan
from sdetr.config.scale import ResourceSettings
from sdetr.config.start import Start
from sdetr.data.settings import DataRun
from sdetr.evaluation.settings import EvaluateRun
from sdetr.training.settings import BackboneRun, FinetuneRun, TrainedBackbone

RUN_FILES = {
    "weights": "weights.safetensors",
    "settings_copy": "settings.yaml",
    "curve": "metrics.jsonl",
    "predictions": "predictions.json",
    "record": "run.json",
    "pictures": "pictures",
}
"""What a finished run declares, by slot; `pictures` is a folder."""


@dataclass(frozen=True)
class Stages:
    """Adds a job and everything before it to a plan."""

    plan: Plan
    compose: Composer

    def dataset(self, name: str) -> Job:
        """Raw data has no scale: neither its files nor its settings file."""
        stands = self.compose.dataset_name(name)
        settings = self.compose.dataset(name)
        index = f"data/raw/{stands}/{settings.split}.json"
        run = DataRun(stage="data", recipe=data.RECIPE, name=stands, dataset=settings)
        return self._add("data", f"raw/{stands}", run, {}, {"index": index}, f"data/raw/{stands}.yaml")

    def backbone(self, name: str) -> Job:
        settings = self.compose.backbone(name)
        inputs: dict[str, str] = {}
        if isinstance(settings, TrainedBackbone):
            inputs = {
                slot: self.dataset(n).outputs["index"]
                for slot, n in (("train", settings.dataset), ("test", settings.test))
            }
        run = BackboneRun(stage="backbone", recipe=training.RECIPE, backbone=settings, **inputs)
        stem = f"data/{self.plan.scale}/backbones/{name}"
        outputs = {"weights": f"{stem}.safetensors", "record": f"{stem}.json"}
        return self._add("backbone", f"backbones/{name}", run, inputs, outputs)

    def finetune(self, protocol: str, model: str, start: Start, seed: int) -> Job:
        facts = self.compose.facts(model, protocol, start)
        settings = self.compose.protocol(protocol, facts)
        before = self._before(start, model)
        trunk = self.compose.backbone(self._root(start)).trunk
        inputs = {
            "init": before.outputs["weights"],
            "train": self.dataset(settings.dataset).outputs["index"],
            "test": self.dataset(settings.test).outputs["index"],
        }
        run = FinetuneRun(
            stage="finetune",
            recipe=training.RECIPE,
            seed=seed,
            protocol=settings,
            model=self.compose.model(model, facts),
            trunk=trunk,
            train=inputs["train"],
            test=inputs["test"],
            **(
                {} if before.stage == "backbone" else {"fresh": ("class_head.",)}
            ),  # decision: the class head alone is new
        )
        path = f"finetune/{protocol}/{model}/{start}/seed{seed}"
        outputs = {slot: f"data/{self.plan.scale}/{path}/{file}" for slot, file in RUN_FILES.items()}
        return self._add("finetune", path, run, inputs, outputs)

    def measured(self, protocol: str, model: str, start: Start) -> list[int]:
        """Epochs at which a run's curve has a point."""
        settings = self.compose.protocol(protocol, self.compose.facts(model, protocol, start))
        return settings.evaluated_epochs(settings.evaluate_every)

    def stands(self, protocol: str, model: str, start: Start) -> dict[str, str]:
        """The papers' data sets and backbone of a run → what stands for them here, where it differs."""
        settings = self.compose.protocol(protocol, self.compose.facts(model, protocol, start))
        names = {name: self.compose.dataset_name(name) for name in (settings.dataset, settings.test)}
        root = self._root(start)
        names[root] = self.compose.scale.backbones.get(root, root)
        return {name: here for name, here in names.items() if name != here}

    def evaluate(self, run: Job) -> Job:
        """`metrics.json` of a run, from its predictions."""
        settings = EvaluateRun(stage="evaluate", recipe=evaluation.RECIPE, test=run.inputs["test"])
        inputs = {"predictions": run.outputs["predictions"], "test": run.inputs["test"]}
        outputs = {"metrics": f"data/{self.plan.scale}/{run.path}/metrics.json"}
        return self._add("evaluate", f"{run.path}/metrics", settings, inputs, outputs)

    def _before(self, start: Start, model: str) -> Job:
        """The job whose weights a start takes."""
        if start.further:
            last = start.further[-1]
            return self.finetune(last.protocol, model, start.without_last(), last.seed)
        return self.backbone(self._root(start))

    def _root(self, start: Start) -> str:
        """The backbone that everything began with."""
        if start.backbone is None:
            known = self.compose.params.names("pretexts")
            raise SettingsError(f"start {start}: pretext {nearest(str(start.pretext), known)}")
        return start.backbone

    def _add(
        self,
        stage: str,
        path: str,
        run: Settings,
        inputs: dict[str, str],
        outputs: dict[str, str],
        file: str = "",
    ) -> Job:
        file = file or f"data/{self.plan.scale}/settings/{path}.yaml"
        resources = self.compose.scale.resources.get(stage, ResourceSettings())
        return self.plan.add(
            Job(stage, path, file, run.said(), {"settings": file} | inputs, outputs, resources)
        )
