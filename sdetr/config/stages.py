"""What every plan begins with, data and backbones, and how a job enters the plan."""

from dataclasses import dataclass

import sdetr.data.settings as data
import sdetr.training.settings as training
from sdetr.config.base import Settings, SettingsError
from sdetr.config.experiment import Composer
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.scale import ResourceSettings
from sdetr.data.settings import DataRun, DatasetSettings
from sdetr.data.subsets.settings import SubsetRun, SubsetSettings
from sdetr.training.backbone_settings import BackboneRun, TrainedBackbone


@dataclass(frozen=True)
class Stages:
    """Adds jobs, and everything before them, to a plan."""

    plan: Plan
    compose: Composer

    def add(
        self,
        stage: str,
        path: str,
        run: Settings,
        inputs: dict[str, str],
        outputs: dict[str, str],
        file: str = "",
    ) -> Job:
        """A job of a stage; its settings file follows from its path unless `file` says otherwise."""
        file = file or f"data/{self.plan.scale}/settings/{path}.yaml"
        resources = self.compose.scale.resources.get(stage, ResourceSettings())
        return self.plan.add(
            Job(stage, path, file, run.said(), {"settings": file} | inputs, outputs, resources)
        )

    def under(self, path: str, files: dict[str, str]) -> dict[str, str]:
        """Files of a run folder, by slot."""
        return {slot: f"data/{self.plan.scale}/{path}/{file}" for slot, file in files.items()}

    def beside(self, path: str, suffix: str) -> dict[str, str]:
        """A single file and its record."""
        stem = f"data/{self.plan.scale}/{path}"
        return {"file": f"{stem}.{suffix}", "record": f"{stem}.json"}

    def dataset(self, name: str) -> Job:
        """Raw data has no scale, nor has its settings file; images are outputs where they are drawn."""
        stands, whole = self.compose.dataset_name(name), self.compose.whole(name)
        settings = self.compose.dataset(name)
        stem = f"data/raw/{stands}/{whole.split}"
        outputs = {"index": f"{stem}.json", "record": f"{stem}.record.json"}
        if isinstance(settings, SubsetSettings):
            outputs["ids"] = f"{stem}.ids.txt"
            return self._subset(stands, settings, whole, outputs)
        if settings.generate:
            outputs["images"] = f"data/raw/{stands}/{data.DRAWN.format(split=settings.split)}"
        run = DataRun(stage="data", recipe=data.RECIPES["data"], name=stands, dataset=settings)
        return self.add("data", f"raw/{stands}", run, {}, outputs, f"data/raw/{stands}.yaml")

    def _subset(
        self, name: str, settings: SubsetSettings, whole: DatasetSettings, outputs: dict[str, str]
    ) -> Job:
        index = self.dataset(settings.of).outputs["index"]
        of = self.compose.dataset_name(settings.of)
        if of != settings.of and settings.listed:
            raise SettingsError(
                f"data set {name}: listed: {settings.listed} is about {settings.of}, for which {of} stands "
                "here; let `datasets` of the scale name a part of `shots` in its place"
            )
        if of != settings.of:  # the papers' number is not that of what stands for their data
            theirs = ("expected_images", "about_images")
            said = {name: value for name, value in settings.said().items() if name not in theirs}
            settings = SubsetSettings.model_validate(said | {"of": of})
        field = "unseen" if settings.classes in ("seen", "unseen") else "novel"
        held_back = getattr(whole, field)
        if settings.classes and not held_back:
            raise SettingsError(
                f"data set {name}: classes: {settings.classes}, but {of} does not say which are {field}; "
                f"name them there as `{field}:`"
            )
        side = "only" if settings.classes == field else "without"
        run = SubsetRun(
            stage="subset",
            recipe=data.RECIPES["subset"],
            name=name,
            subset=settings,
            whole=index,
            **({side: held_back} if settings.classes else {}),
        )
        return self.add("subset", f"raw/{name}", run, {"whole": index}, outputs, f"data/raw/{name}.yaml")

    def backbone(self, name: str) -> Job:
        settings = self.compose.backbone(name)
        inputs: dict[str, str] = {}
        if isinstance(settings, TrainedBackbone):
            names = {"train": settings.dataset, "test": settings.test}
            inputs = {slot: self.dataset(name).outputs["index"] for slot, name in names.items()}
        run = BackboneRun(stage="backbone", recipe=training.RECIPES["backbone"], backbone=settings, **inputs)
        path = f"backbones/{name}"
        outputs = self.beside(path, "safetensors")
        return self.add("backbone", path, run, inputs, {"weights": outputs.pop("file")} | outputs)
