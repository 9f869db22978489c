"""One-shot detection's own part of a fine-tuning: the file of its detector, and what a test set is asked."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.data.layout import beside
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.passes import PASS
from sdetr.interop.detectors import TO_QUERY, read_card
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.answers import Answers
from sdetr.models.detector import Detector
from sdetr.objectives.looks import crop_features
from sdetr.objectives.one_shot import MATCHES, OneShot
from sdetr.training.infer import clipped_xywh_px, joined
from sdetr.training.ranks import ALONE, Ranks
from sdetr.types import Memory, Predictions, View
from sdetr.views.queries import QueryPool, Question

AT_ONCE = 16
"""Questions that are decoded together, most."""
NOTHING = (
    torch.empty(0, dtype=torch.int64),
    torch.empty(0, 4),
    torch.empty(0),
    torch.empty(0, dtype=torch.int64),
)
"""Of each column, where a rank has no view, or no view an object."""


def load_to_query(objective: OneShot, path: Path) -> None:
    """From UP-DETR's pretext file, or a one-shot detector's. Raises ValueError where it does not fit."""
    tensors, _ = read_weights(path)
    mine = {key.removeprefix(TO_QUERY): value for key, value in tensors.items() if key.startswith(TO_QUERY)}
    load_exactly(objective.to_query, mine, str(path))


def weights_of(objective: OneShot) -> dict[str, Tensor]:
    """By the keys of a detector, with those of what makes a query of a crop beside them."""
    asks = {f"{TO_QUERY}{key}": value for key, value in objective.to_query.state_dict().items()}
    return objective.detector.state_dict() | asks


def load_one_shot(path: Path) -> tuple[OneShot, DetectorCard]:
    """Of a run's file, in eval mode, on the CPU. Raises ValueError if it is another detector's."""
    tensors, metadata = read_weights(path)
    card = read_card(metadata, path)
    if not card.query_px:
        raise ValueError(f"{path} is not of one-shot detection; give a file that was trained with that task")
    objective = OneShot(Detector(card.model, card.trunk, MATCHES), card.model.detection)
    own = {key: value for key, value in tensors.items() if not key.startswith(TO_QUERY)}
    load_exactly(objective.detector, own, str(path))
    load_to_query(objective, path)
    return objective.eval(), card


@torch.no_grad()
def predict_asked(
    objective: OneShot,
    dataset: Dataset,
    pool: QueryPool,
    asked: list[list[Question]],
    resize: ResizeSettings,
    keep: int,
    half: bool = False,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """At most `keep` answers per question, boxes clipped to the image, as columns; `label` is the class asked
    for, and `pass` the question's turn. An image is encoded once, whatever it is asked.

    Otherwise as `infer.predict`. `asked` has the questions of each image, by its row.
    """
    device = next(objective.parameters()).device
    row_of = {image_id: row for row, image_id in enumerate(dataset.ids)}
    ids: list[list[int]] = []  # of every view, of every answer
    found = [[nothing.to(device)] for nothing in NOTHING]
    for view, sizes_px in test_views(dataset, resize, part=slice(ranks.rank, None, ranks.world)):
        ids.append([])
        sizes_px = sizes_px.to(device)
        said = [(i, one) for i, image_id in enumerate(view.image_ids) for one in asked[row_of[image_id]]]
        for predicted in _predicted(objective, view.to(device), said, pool, half):
            images, questions, predictions = predicted
            answers = objective.detector.answers(predictions, sizes_px[images], keep)
            for i, one, answer in zip(images, questions, answers, strict=True):
                ids[-1] += [view.image_ids[i]] * len(answer.labels)
                for column, values in zip(found, _columns(one, answer, sizes_px[i]), strict=True):
                    column.append(values)
    rows = joined(ids, found, ranks)
    if not rows:
        return {}
    image_ids, (label, box_xywh_px, score, turn) = rows
    columns = {"image_id": image_ids, "label": label, "box_xywh_px": box_xywh_px, "score": score, PASS: turn}
    return {"classes": list(dataset.classes), **columns}


def _predicted(
    objective: OneShot, view: View, said: list[tuple[int, Question]], pool: QueryPool, half: bool
) -> Iterator[tuple[list[int], list[Question], Predictions]]:
    """Some images of a view, by place, what each is asked, and what is predicted; `half`: see `predict`."""
    device = view.images.device
    rounded = half and device.type == "cuda"
    with torch.autocast(device.type, torch.bfloat16, enabled=rounded):
        memory = objective.detector.encode(normalise(view))
    for part in (said[start : start + AT_ONCE] for start in range(0, len(said), AT_ONCE)):
        images, questions = [i for i, _ in part], [one for _, one in part]
        crops = beside([pool.crop(one.crop) for one in questions]).to(device)  # (R, 3, s, s)
        with torch.autocast(device.type, torch.bfloat16, enabled=rounded):
            looks = crop_features(objective.detector, _crops_of(crops))[:, 0]  # (R, C)
            predictions = objective.find(_of_images(memory, images), looks)
        yield images, questions, predictions


def _crops_of(crops: Tensor) -> View:
    """A view of so many black images of a pixel, each with one crop; normalised."""
    images = crops.new_zeros(len(crops), 3, 1, 1)
    padding = torch.zeros(len(crops), 1, 1, dtype=torch.bool, device=crops.device)
    return normalise(View(images, padding, list(range(len(crops))), crops=crops[:, None]))


def _of_images(memory: Memory, images: list[int]) -> Memory:
    """Of some images of a view, by place, which may come again; nothing is kept for a mask head."""
    return replace(
        memory,
        tokens=memory.tokens[images],
        position=memory.position[images],
        padding=memory.padding[images],
        valid=memory.valid[images],
        centres=memory.centres[images],
        maps=[],
        unencoded=None,
    )


def _columns(asked: Question, answer: Answers, size_px: Tensor) -> tuple[Tensor, ...]:
    label, turn = (torch.full_like(answer.labels, number) for number in (asked.label, asked.turn))
    return label, clipped_xywh_px(answer.boxes_xyxy_px, size_px), answer.scores, turn
