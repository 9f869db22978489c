"""Supervised detection: match predictions to objects, then say how far apart they are."""

from dataclasses import replace

import torch
from torch import Tensor

from sdetr.models.anchors import AnchorQueries
from sdetr.models.detector import Detector
from sdetr.models.settings import DenoisingSettings, DetectionSettings
from sdetr.objectives.denoising import Disturbed, disturbed
from sdetr.objectives.losses import box_losses, cross_entropy, focal_loss, focal_loss_of_pairs
from sdetr.objectives.matcher import Pairs, Stage, match_stages
from sdetr.objectives.objective import Objective
from sdetr.objectives.targets import Targets, padded_targets, pairs_per_image
from sdetr.types import Predictions, View


class Detection(Objective):
    """Class, L1 and GIoU losses of the last decoder layer, and `aux_` sums of them over the earlier ones.

    Two-stage detectors add those of the encoder's guesses (`first_`), to which every object is class 0; DN
    variants while they train those of disturbed objects (`noised_`, all layers).
    """

    def __init__(
        self, detector: Detector, settings: DetectionSettings, denoising: DenoisingSettings | None = None
    ) -> None:
        super().__init__()
        if detector.focal and settings.no_object is not None:
            raise ValueError(
                f"no_object: {settings.no_object}, but a focal detector has no such class: unset it"
            )
        if not detector.focal and settings.no_object is None:
            raise ValueError("no_object is missing; a softmax detector needs its weight (DETR: 0.1)")
        self.detector = detector
        self.cost, self.no_object, self.denoising = settings.cost, settings.no_object, denoising
        three = settings.weights.model_dump()
        first = ("first_",) if detector.row.queries == "proposals" else ()
        stages = ("", "aux_", *first, *(("noised_",) if denoising else ()))
        self.weights = {f"{stage}{name}": weight for stage in stages for name, weight in three.items()}

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        """Sums over the views: of class weights (`label`; objects in focal families), of objects (`box`)."""
        counts = [len(labels) for (view,) in parts for labels in view.labels]
        objects = float(sum(counts))
        if self.no_object is None:
            return {"label": objects, "box": objects}
        queries = self.detector.num_queries
        matched = sum(pairs_per_image(counts, queries))
        return {"label": matched + self.no_object * (queries * len(counts) - matched), "box": objects}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        (view,) = views
        targets = padded_targets(view)
        memory = self.detector.encode(view)
        extra = self._disturbed(targets)
        predictions = self.detector.decode(memory, extra.ask if extra else None)
        losses: dict[str, Tensor] = {}
        if extra is not None:
            noised, predictions = extra.split(predictions)
            losses = self._noised_losses(noised, extra.pairs, targets, normaliser)
        return losses | self.judged(predictions, targets, normaliser)[0]

    def judged(
        self, predictions: Predictions, targets: Targets, normaliser: dict[str, float]
    ) -> tuple[dict[str, Tensor], Pairs]:
        """Losses of what detector and encoder say, and which query of which layer answers for what."""
        stages = [Stage(predictions, targets)]
        if (first := predictions.first_stage) is not None:
            guesses = replace(predictions, logits=first.logits[None], boxes=first.boxes[None])
            unnamed = replace(targets, labels=torch.zeros_like(targets.labels))
            stages.append(Stage(guesses, unnamed, "encoder's guess"))
        pairs = match_stages(stages, self.cost, self.detector.focal)  # every layer is matched by itself
        layers, *guessed = (self._losses(*one, normaliser) for one in zip(stages, pairs, strict=True))
        losses = {name: loss[-1] for name, loss in layers.items()}
        losses |= {f"aux_{name}": loss[:-1].sum() for name, loss in layers.items()}
        losses |= {f"first_{name}": loss.sum() for found in guessed for name, loss in found.items()}
        return losses, pairs[0]

    def _losses(self, stage: Stage, pairs: Pairs, normaliser: dict[str, float]) -> dict[str, Tensor]:
        """Of every layer, (L,) each."""
        predictions, targets = stage.predictions, stage.targets
        if self.no_object is None:
            label = focal_loss(predictions.logits, pairs, targets) / max(normaliser["label"], 1)
        else:
            label = cross_entropy(predictions.logits, pairs, targets, self.no_object)
            label = label / (normaliser["label"] or 1)  # 0 only if nothing weighs anything
        box, giou = (loss / max(normaliser["box"], 1) for loss in box_losses(predictions, pairs, targets))
        return {"label": label, "box": box, "giou": giou}

    def _disturbed(self, targets: Targets) -> Disturbed | None:
        if self.denoising is None or not self.training:
            return None
        queries, layers = self.detector.queries, len(self.detector.decoder.layers)
        assert isinstance(queries, AnchorQueries)
        return disturbed(queries, self.detector.num_queries, layers, targets, self.denoising)

    def _noised_losses(
        self, noised: Predictions, pairs: Pairs, targets: Targets, normaliser: dict[str, float]
    ) -> dict[str, Tensor]:
        """Divided by how often objects were asked about, whatever image they are in."""
        assert self.denoising is not None
        asked = max(self.denoising.groups * normaliser["box"], 1)
        box, giou = box_losses(noised, pairs, targets)
        label = focal_loss_of_pairs(noised.logits, pairs, targets)
        three = {"label": label, "box": box, "giou": giou}
        return {f"noised_{name}": loss.sum() / asked for name, loss in three.items()}
