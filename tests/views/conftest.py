"""A handful of images, proposals for them, and plans of views made from both."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from sdetr.config.layers import Params
from sdetr.proposals.store import write_proposals
from sdetr.views.settings import ViewsRun
from sdetr.views.stage import plan_views
from sdetr.views.store import ViewPlan

PARAMS = Params(Path(__file__).parents[2] / "params")
BARE = 21
"""Image without a proposal."""


def boxes_of(image_id: int) -> np.ndarray:
    """Twelve boxes, best first."""
    rng = np.random.default_rng(image_id)
    low = rng.uniform(0, [60, 40], (12, 2))
    return np.concatenate([low, low + rng.uniform(12, 40, (12, 2))], axis=1).astype(np.float32)


@pytest.fixture(scope="session")
def views_run() -> Callable[..., dict[str, Any]]:
    """Plain settings of the views stage, small; changes go into the recipe or into the run."""

    def make(**changes: Any) -> dict[str, Any]:
        recipe = PARAMS.resolve("views", "siamese-pairs").values
        small = {"draws": 2, "regions": 5, "crop_px": 16}
        inner = {key: changes.pop(key) for key in list(changes) if key in recipe}
        run = {"stage": "views", "recipe": 1, "seed": 0, "short": [48, 64], "longest": 90}
        run |= {"dataset": "none", "proposals": "none"}
        return run | changes | {"views": recipe | small | inner}

    return make


@pytest.fixture(scope="session")
def run_of(views_run: Callable[..., dict[str, Any]]) -> Callable[..., ViewsRun]:
    return lambda **changes: ViewsRun.model_validate(views_run(**changes))


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index of 11 smooth noisy images of three sizes, ids 0, 3, 6, …; one of them has no proposals."""
    root = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    images = []
    for i in range(11):
        width, height = ((100, 75), (96, 80), (75, 100))[i % 3]
        coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((width, height)).save(root / f"{i}.png")
        images.append({"id": 3 * i, "file_name": f"{i}.png", "height": height, "width": width})
    info = {"dataset": "noise", "root": ".", "funnel": {}}
    index = {"info": info, "images": images, "annotations": [], "categories": []}
    (root / "train.json").write_text(json.dumps(index))
    return root / "train.json"


@pytest.fixture(scope="session")
def proposals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Proposals for all noisy images but one, which says that it was left out."""
    path = tmp_path_factory.mktemp("proposals") / "drawn.parquet"
    ids = [image_id for image_id in range(0, 33, 3) if image_id != BARE]
    rows = ((image_id, boxes_of(image_id), np.linspace(1, 0, 12, dtype=np.float32)) for image_id in ids)
    write_proposals(path, rows, lambda: {"left_out": {str(BARE): "7.png"}})
    return path


@pytest.fixture(scope="session")
def planned(
    noise: Path,
    proposals: Path,
    views_run: Callable[..., dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Path]:
    """Plans views of the noisy images under a folder of their own; returns the file."""

    def make(index: Path = noise, **changes: Any) -> Path:
        folder = tmp_path_factory.mktemp("planned")
        settings = views_run(dataset=str(index), proposals=str(proposals), **changes)
        (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
        out = folder / "views/protocol/recipe/seed0.parquet"
        plan_views(folder / "settings.yaml", out)
        return out

    return make


@pytest.fixture(scope="session")
def plan(planned: Callable[..., Path]) -> ViewPlan:
    return ViewPlan(planned())
