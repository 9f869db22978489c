"""Small data sets on disk, drawn once for all tests of this room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdetr.data.prepare import prepare
from sdetr.data.settings import DatasetSettings

CLASSES = ["striped-disc", "dotted-square", "checkered-triangle", "marbled-star"]
Scenes = Callable[..., DatasetSettings]


@pytest.fixture(scope="session")
def scenes() -> Scenes:
    """Settings of small scenes, many of them odd, in a layout."""

    def make(layout: str, **changes: Any) -> DatasetSettings:
        recipe: dict[str, Any] = {"kind": "scenes", "images": 24, "size": [64, 80], "objects": [1, 4]}
        recipe |= {"object_px": [16, 45], "visible": 0.8, "odd": 0.6, "split": "train", "seed": 3} | changes
        plain = {"layout": layout, "split": "train", "classes": CLASSES, "generate": recipe}
        return DatasetSettings.model_validate(plain)

    return make


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory, scenes: Scenes) -> Path:
    """A raw folder with the same 24 scenes as `voc`, `coco` and `folder`."""
    raw = tmp_path_factory.mktemp("raw")
    for layout in ("voc", "coco", "folder"):
        prepare(scenes(layout), layout, raw / layout / "train.json")
    return raw
