"""A tree of finished runs that agree with their plan, ready to be spoiled."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sdetr.evaluation.settings import RECIPE
from sdetr.files import sha256
from sdetr.report.table import make_table

COMMIT = "a" * 40


@dataclass
class Tree:
    """Runs below `data/demo`, the settings of one table, and the page made of them."""

    settings: dict[str, Any]
    out: Path = Path("reports/demo/tables/toy.md")

    def run(
        self, start: str, seed: int = 0, column: str = "big", kind: str = "finetune", **metrics: float
    ) -> dict[str, str]:
        """Writes a run and what it rests on; → its CellRun. One of kind `evaluate` trained nothing."""
        folder = f"data/demo/{kind}/toy-50e/{column}/{start}/seed{seed}"
        index, backbone = "data/raw/toy/test.record.json", f"data/demo/backbones/{start}.json"
        curve = Path(folder, "metrics.jsonl")
        curve.parent.mkdir(parents=True, exist_ok=True)
        scores = {f"test/{name}": value for name, value in metrics.items()}
        curve.write_text(json.dumps({"step": 9, "epoch": 50.0, **scores}) + "\n")
        about = {
            "commit": COMMIT,
            "dirty": False,
            "classes": ["cat", "dog"],
            "device": "cpu 2 cores",
            "seconds": {"total": 100.0, "training": 60.0, "evaluation": 30.0},
            "peak_memory_bytes": 900_000_000,
            "evaluation_recipe": RECIPE,
        }
        made = {
            "weights.safetensors": "weights digest",
            "predictions.json": "predictions digest",
            "metrics.jsonl": sha256(curve),
        }
        if kind == "evaluate":
            curve.unlink()
            made = {"predictions.json": "predictions digest"}
        self.record(index, {}, {"test.json": "test digest"})
        self.record(backbone, {}, {f"{start}.safetensors": "init digest"})
        before = {"init": (backbone, f"{start}.safetensors"), "test": (index, "test.json")}
        self.record(f"{folder}/run.json", before, made, **about)
        evaluated = {"predictions": (f"{folder}/run.json", "predictions.json"), "test": (index, "test.json")}
        self.record(f"{folder}/metrics.json", evaluated, {}, metrics=metrics, recipe=RECIPE)
        # Drawn images add the same chance to every run.
        chance = np.random.default_rng(0).normal(0, 1, 200)
        self.resample(folder, {name: value + chance for name, value in metrics.items()})
        return {"run": folder}

    def record(
        self, path: str, before: dict[str, tuple[str, str]], made: dict[str, str], **about: Any
    ) -> None:
        """Writes a record, made from files that the records named in `before` say they made."""
        inputs = {"settings": {"path": "settings.yaml", "sha256": "settings digest"}}
        for slot, (maker, file) in before.items():
            digest = json.loads(Path(maker).read_text())["outputs"][file]
            inputs[slot] = {"path": str(Path(maker).parent / file), "sha256": digest}
        write(Path(path), {"inputs": inputs, "outputs": made, **about})
        makers = {slot: maker for slot, (maker, _) in before.items()}
        self.settings["records"][path] = {"settings": "settings digest", "inputs": makers}

    def resample(
        self, folder: str, metrics: dict[str, np.ndarray], images: int = 50, draws: str = "the same"
    ) -> None:
        """Writes what an evaluation drew."""
        lists = {name: [None if np.isnan(v) else v for v in values] for name, values in metrics.items()}
        write(file := Path(folder, "resamples.json"), {"images": images, "draws": draws, "metrics": lists})
        change(f"{folder}/metrics.json", "outputs", to={file.name: sha256(file)})

    def make(self) -> str:
        Path("table.yaml").write_text(yaml.safe_dump(self.settings, sort_keys=False))
        make_table(Path("table.yaml"), self.out)
        return self.out.read_text()

    def cost(self) -> str:
        return (self.out.parents[1] / "costs" / self.out.name).read_text()

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
    monkeypatch.setattr("sdetr.report.content.has_changes", lambda: False)
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
        "recipe": 2,
        "scale": "demo",
        "compares": False,
        "id": "toy",
        "table": table,
        "records": {},
    }
    tree = Tree(settings)
    three = [tree.run("swav_r50", seed, AP=ap, AP50=2 * ap) for seed, ap in enumerate((40.0, 42.0, 44.0))]
    one = [tree.run("siamese~toy", AP=50.25, AP50=70.0)]
    settings["cells"] = {"scratch": {"big": three}, "ours": {"big": one}}
    settings["same_as"] = {"ours": {"small": {"row": "scratch", "column": "small"}}}
    return tree
