"""A tree of finished runs that agree with their plan, ready to be spoiled."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdetr.evaluation.settings import RECIPE
from sdetr.report.table import make_table

COMMIT = "a" * 40


@dataclass
class Tree:
    """Runs below `data/demo`, the settings of one table, and the page made of them."""

    settings: dict[str, Any]
    out: Path = Path("reports/demo/tables/toy.md")

    def run(self, start: str, seed: int = 0, column: str = "big", **metrics: float) -> dict[str, str]:
        """Writes a run; → its CellRun."""
        folder = Path(f"data/demo/finetune/toy-50e/{column}/{start}/seed{seed}")
        record = {
            "commit": COMMIT,
            "dirty": False,
            "classes": ["cat", "dog"],
            "inputs": {
                key: {"path": key, "sha256": f"{key} digest"} for key in ("settings", "init", "train", "test")
            },
            "outputs": {"weights.safetensors": "weights digest", "predictions.json": "predictions digest"},
            "device": "cpu 2 cores",
            "seconds": {"total": 100.0, "training": 60.0, "evaluation": 30.0},
        }
        digests = {"predictions": "predictions digest", "index": "test digest"}
        write(folder / "run.json", record)
        write(folder / "metrics.json", {"metrics": metrics, "recipe": RECIPE, "inputs": digests})
        backbone = Path(f"data/demo/backbones/{start}.json")
        write(backbone, {"outputs": {f"{start}.safetensors": "init digest"}})
        return {"run": str(folder), "settings": "settings digest", "init": str(backbone)}

    def make(self) -> str:
        Path("table.yaml").write_text(yaml.safe_dump(self.settings, sort_keys=False))
        make_table(Path("table.yaml"), self.out)
        return self.out.read_text()

    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.out.with_suffix(".json").read_text())
        return content


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def change(path: Path | str, *keys: str, to: Any) -> None:
    """Overwrites one value of a JSON file."""
    content = value = json.loads(Path(path).read_text())
    for key in keys[:-1]:
        value = value[key]
    value[keys[-1]] = to
    write(Path(path), content)


@pytest.fixture
def edit() -> Callable[..., None]:
    return change


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Two rows and two columns: three seeds, one seed, the same as another row, and nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sdetr.report.content.current_commit", lambda: COMMIT)
    table = {
        "title": "Toy table",
        "caption": "What it shows.",
        "source": "Toy paper, Table 1",
        "metrics": ["AP", "AP50"],
        "columns": {
            "big": {"label": "Big DETR", "model": "detr", "protocol": "toy-50e"},
            "small": {"label": "Small DETR", "model": "conditional", "protocol": "toy-150e"},
        },
        "rows": {
            "scratch": {"label": "from scratch", "start": "swav_r50"},
            "ours": {"label": "pretrained", "start": "siamese~toy"},
        },
        "paper": {"scratch": {"big": {"AP": 41.0, "AP50": 60.5}}},
        "references": [
            {"label": "Faster R-CNN", "column": "big", "values": {"AP": 39.9}, "source": "Old paper"}
        ],
    }
    settings = {
        "stage": "table",
        "recipe": 1,
        "scale": "demo",
        "compares": False,
        "id": "toy",
        "table": table,
    }
    tree = Tree(settings)
    three = [tree.run("swav_r50", seed, AP=ap, AP50=2 * ap) for seed, ap in enumerate((40.0, 42.0, 44.0))]
    one = [tree.run("siamese~toy", AP=50.25, AP50=70.0)]
    settings["cells"] = {"scratch": {"big": three}, "ours": {"big": one}}
    settings["same_as"] = {"ours": {"small": "scratch"}}
    return tree
