"""What a one-shot detector finds in an image when a crop asks for it (arXiv:2011.09094, Figure 8)."""

from pathlib import Path

import torch

from sdetr.data.dataset import Dataset, Sample
from sdetr.data.settings import ResizeSettings
from sdetr.objectives.looks import crop_features
from sdetr.training.look_one import ANSWERS, Columns, seen
from sdetr.training.one_shot import load_one_shot
from sdetr.views.queries import QueryPool, questions
from sdetr.views.settings import QuerySettings


class Asker:
    """Asks for the first class of each image with the crop that a measurement begins with."""

    def __init__(
        self, weights: Path, images: Dataset, size: ResizeSettings, above: float, device: torch.device
    ) -> None:
        """Raises ValueError for weights of another detector."""
        objective, card = load_one_shot(weights)
        assert card.query_px is not None, "or it would have been refused"
        self._objective, self._size, self._above, self._device = objective.to(device), size, above, device
        self._pool = QueryPool(images, card.query_px)
        self._row = {image_id: row for row, image_id in enumerate(images.ids)}
        self._asked = questions(self._pool, images.ids, QuerySettings(crop_px=card.query_px, passes=1))

    @torch.no_grad()
    def __call__(self, sample: Sample) -> Columns:
        """Answers that are surer than `above`, best first; labels are the class that was asked for."""
        question = self._asked[self._row[sample.image_id]][0]
        crop = self._pool.crop(question.crop)
        view, detector = seen(sample, self._size, self._device, crop[None]), self._objective.detector
        said = self._objective.find(detector.encode(view), crop_features(detector, view)[:, 0])
        whole = torch.ones(1, 2, device=self._device)  # of the image, which makes pixels fractions
        (answers,) = detector.answers(said, whole, ANSWERS)
        sure = answers.scores > self._above
        return {
            "boxes": answers.boxes_xyxy_px[sure].clamp(0, 1),
            "scores": answers.scores[sure],
            "labels": torch.full_like(answers.labels[sure], question.label),
            "queries": torch.full_like(answers.labels[sure], -1),
            "best": answers.scores[:1],
            "patches": crop[None].permute(0, 2, 3, 1),
        }
