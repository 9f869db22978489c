"""Scenes to propose boxes for, settings of proposers, and a forest small enough to write by hand."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdetr.config.layers import Params
from sdetr.data.prepare import prepare
from sdetr.data.settings import DatasetSettings
from sdetr.proposals.settings import EdgeBoxesSettings

PARAMS = Params(Path(__file__).parents[2] / "params")
Job = Callable[..., Path]


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty of the demo's scenes with their objects, as `raw/scenes/train.json`."""
    folder = tmp_path_factory.mktemp("raw")
    plain = PARAMS.resolve("datasets", "shapes-voc12-trainval-demo-s0").values
    plain = plain | {"generate": plain["generate"] | {"images": 40, "seed": 11}}
    prepare(DatasetSettings.model_validate(plain), "scenes", folder / "scenes" / "train.json")
    return folder


@pytest.fixture
def job(tmp_path: Path, raw: Path) -> Job:
    """Writes the settings file of a proposals job: a proposer of `params/`, and changes to it."""

    def write(
        name: str = "edgeboxes-demo", index: Path = raw / "scenes" / "train.json", **changes: Any
    ) -> Path:
        proposer = PARAMS.resolve("proposers", name).values | changes
        run = {"stage": "proposals", "recipe": 1, "proposer": proposer, "dataset": str(index)}
        path = tmp_path / "settings.yaml"
        path.write_text(yaml.safe_dump(run))
        return path

    return write


@pytest.fixture
def edgeboxes() -> Callable[..., EdgeBoxesSettings]:
    def make(name: str = "edgeboxes-demo", **changes: Any) -> EdgeBoxesSettings:
        return EdgeBoxesSettings.model_validate(PARAMS.resolve("proposers", name).values | changes)

    return make


@pytest.fixture(scope="session")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tree of one question: where a gradient is large enough, there is a horizontal line of edges."""
    options = {
        "stride": 2,
        "shrinkNumber": 2,
        "patchSize": 32,
        "patchInnerSize": 16,
        "numberOfGradientOrientations": 4,
        "gradientSmoothingRadius": 0,
        "regFeatureSmoothingRadius": 2,
        "ssFeatureSmoothingRadius": 8,
        "gradientNormalizationRadius": 4,
        "selfsimilarityGridSize": 5,
        "numberOfTrees": 1,
        "numberOfTreesToEvaluate": 1,
        "numberOfOutputChannels": 13,
    }
    tree = {
        "childs": [2, 0, 0],
        "featureIds": [900, 0, 0],
        "thresholds": [0.4, 0.0, 0.0],
        "edgeBoundaries": [0, 0, 0, 16],
        "edgeBins": [16 * 8 + i for i in range(16)],
    }
    lines = ["%YAML:1.0", "options:", *(f"   {name}: {value}" for name, value in options.items())]
    for name, values in tree.items():
        lines += [f"{name}:", f"  - [ {', '.join(map(str, values))} ]"]
    path = tmp_path_factory.mktemp("forest") / "model.yml.gz"
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    return path
