"""A toy objective, and a data set of a few coloured rectangles in the layout that an index promises."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageDraw
from torch import Tensor, nn

from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.objectives.objective import Objective
from sdetr.training.attempt import Attempt
from sdetr.training.ranks import ALONE, Ranks
from sdetr.training.settings import ScheduleSettings
from sdetr.types import View

COLOURS = ("red", "lime", "blue")
TRUNK = {"arch": "resnet18", "width": 16, "stages": 2}


class Toy(Objective):
    """Two terms, dropout, and one normaliser: what a loop can get wrong, in six lines."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = nn.Linear(3, 8), nn.Linear(8, 4)
        self.weights = {"label": 1.0, "size": 0.5}
        self.dropout = nn.Dropout(0.3)

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        return {"objects": float(sum(len(labels) for (view,) in parts for labels in view.labels))}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        (view,) = views
        out = self.head(self.dropout(self.backbone(view.images.mean(dim=(2, 3)))))  # (B, 4)
        per_image = torch.tensor([len(labels) for labels in view.labels], dtype=torch.float32)
        label = ((out[:, 0] - per_image) ** 2).sum() / normaliser["objects"]
        return {"label": label, "size": out.square().sum() / normaliser["objects"]}


def batch_of(step: int, size: int = 4) -> View:
    random = torch.Generator().manual_seed(step)
    images = torch.randint(0, 256, (size, 3, 6, 6), dtype=torch.uint8, generator=random)
    counts = torch.randint(0, 4, (size,), generator=random).tolist()
    padding = torch.zeros(size, 6, 6, dtype=torch.bool)
    labels = [torch.zeros(count, dtype=torch.int64) for count in counts]
    boxes = [torch.rand(count, 4, generator=random) for count in counts]
    return View(images, padding, [100 * step + i for i in range(size)], boxes, labels)


@pytest.fixture
def toy() -> Toy:
    torch.manual_seed(0)
    return Toy()


@pytest.fixture
def batches() -> Callable[[int], Iterator[list[View]]]:
    def from_step(step: int) -> Iterator[list[View]]:
        while True:
            yield [batch_of(step)]
            step += 1

    return from_step


@pytest.fixture
def schedule() -> Callable[..., ScheduleSettings]:
    def make(**changes: Any) -> ScheduleSettings:
        usual = {"epochs": 4, "drop": [3], "batch": 4, "lr": 1e-2, "lr_backbone": 1e-3, "weight_decay": 1e-4}
        return ScheduleSettings(**(usual | {"clip": 1.0, "save_every_s": 0.0} | changes))

    return make


@pytest.fixture
def attempt_in() -> Callable[..., Attempt]:
    """Begin, or begin again, the run of a toy under a folder."""

    def begin(folder: Path, settings: ScheduleSettings, ranks: Ranks = ALONE) -> Attempt:
        start = folder / "start"
        folder.mkdir(parents=True, exist_ok=True)
        start.write_text("where it starts")
        files = {"settings": start, "init": start}
        return Attempt(folder, "toy", "toy/seed0", settings, 0, files, torch.device("cpu"), ranks)

    return begin


@pytest.fixture(scope="session")
def rectangles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of two indexes, `train` and `test`, of images with up to three rectangles, a class per colour."""
    root = tmp_path_factory.mktemp("rectangles")
    for split, count in (("train", 10), ("test", 6)):
        write_index(root / "raw" / "rectangles" / f"{split}.json", count, seed=len(split))
    return root


def write_index(path: Path, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (path.parent / path.stem).mkdir(parents=True)
    for i in range(count):
        height, width = 32, 48 if i % 2 else 40
        picture = Image.new("RGB", (width, height), "gray")
        for _ in range(i % 4):
            x, y = (int(v) for v in random.integers(0, 20, 2))
            w, h = (int(v) for v in random.integers(6, 12, 2))
            label = int(random.integers(3))
            ImageDraw.Draw(picture).rectangle([x, y, x + w - 1, y + h - 1], fill=COLOURS[label])
            box = {"bbox": [x, y, w, h], "area": w * h, "category_id": label, "iscrowd": 0, "difficult": 0}
            annotations.append({"id": len(annotations) + 1, "image_id": 7 * i + 3, **box})
        picture.save(path.parent / path.stem / f"{i}.png")
        size = {"height": height, "width": width}
        images.append({"id": 7 * i + 3, "file_name": f"{path.stem}/{i}.png", **size})
    index = {
        "info": {"dataset": "rectangles", "root": ".", "funnel": {}},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": n, "name": name} for n, name in enumerate(COLOURS)],
    }
    path.write_text(json.dumps(index))


@pytest.fixture
def finetune_settings(rectangles: Path) -> dict[str, Any]:
    """A tiny conditional detector with dropout, 6 steps; plain values to change before writing."""
    return {
        "stage": "finetune",
        "recipe": 1,
        "seed": 0,
        "protocol": {
            "task": "detection",
            "dataset": "rectangles",
            "test": "rectangles",
            "epochs": 3,
            "drop": [2],
            "steps_per_epoch": 2.0,
            "batch": 4,
            "micro_batch": 2,
            "lr": 1e-3,
            "lr_backbone": 1e-4,
            "weight_decay": 1e-4,
            "clip": 0.1,
            "ema": 0.9,
            "save_every_s": 0.0,
            "evaluate_every": 2,
            "augment": {"flip": 0.5, "short": [24, 32], "longest": 48},
            "resize": {"short": 32, "longest": 48},
        },
        "model": {
            "variant": "conditional",
            "queries": 5,
            "width": 16,
            "heads": 2,
            "ffn": 32,
            "encoder_layers": 1,
            "decoder_layers": 2,
            "dropout": 0.2,
            "temperature": 20.0,
            "detection": {
                "cost": {"label": 2.0, "box": 5.0, "giou": 2.0},
                "weights": {"label": 2.0, "box": 5.0, "giou": 2.0},
            },
        },
        "trunk": TRUNK,
        "train": str(rectangles / "raw/rectangles/train.json"),
        "test": str(rectangles / "raw/rectangles/test.json"),
    }


@pytest.fixture(scope="session")
def backbone_file(rectangles: Path) -> Path:
    torch.manual_seed(5)
    path = rectangles / "tiny.safetensors"
    save_weights(ResNet(TrunkSettings(**TRUNK)), path, {"kind": "backbone"})  # type: ignore[arg-type]
    return path


def write_yaml(path: Path, values: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


@pytest.fixture
def as_yaml() -> Callable[[Path, dict[str, Any]], Path]:
    return write_yaml
