"""Settings of a tiny one-shot detection: two of three colours are seen in training."""

from pathlib import Path
from typing import Any

import torch

from sdetr.data.index import Index
from sdetr.data.subsets.settings import SubsetRun
from sdetr.data.subsets.subset import subset
from sdetr.interop.weights import save_tensors

UNSEEN = "blue"
CHANNELS, WIDTH = 32, 16
"""Of the last map of the tiny backbone; of the tiny detector."""


def one_shot_settings(usual: dict[str, Any], folder: Path, **protocol: Any) -> dict[str, Any]:
    """Of the fine-tuning that is `usual` here; the part that is trained on is written into `folder`."""
    query = {"crop_px": 32, "passes": 2}
    changed = usual["protocol"] | {"task": "one_shot", "query": query} | protocol
    return usual | {
        "protocol": changed,
        "train": str(seen_part(Path(usual["train"]), folder)),
        "unseen": [UNSEEN],
    }


def seen_part(whole: Path, folder: Path) -> Path:
    said = {"of": "rectangles", "classes": "seen"}
    run = {"stage": "subset", "recipe": 1, "name": "seen", "subset": said, "whole": str(whole)}
    part = subset(Index.load(whole), SubsetRun.model_validate(run | {"without": [UNSEEN]}))
    part.save(folder / "seen" / "train.json")
    return folder / "seen" / "train.json"


def heads_file(folder: Path) -> Path:
    """What UP-DETR throws away, as one-shot detection finds it."""
    torch.manual_seed(9)
    tensors = {"to_query.weight": torch.randn(WIDTH, CHANNELS), "to_query.bias": torch.randn(WIDTH)}
    path = folder / "pretext.safetensors"
    save_tensors(tensors | {"class_head.weight": torch.randn(3, WIDTH)}, path, {"kind": "pretext"})
    return path
