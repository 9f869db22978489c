"""A finished tree of a few runs, its files small and made up, their places and records as the pipeline's."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdetr.config.compile import compile_plan
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.files import sha256
from sdetr.tracking.door import Door
from sdetr.tracking.store import Store

ROOT = Path(__file__).parents[2]
SCRATCH = "finetune/siamese-voc-conditional-50e/conditional/swav_r50/seed0"
SIAMESE = "finetune/siamese-voc-conditional-50e/conditional/siamese~siamese-imagenet-60e/seed0"
PRETRAIN = "pretrain/siamese-imagenet-60e/siamese/conditional/seed0"
BEGAN = 1_700_000_000.0
SHOWN = ["siamese-voc", "detreg-proposals", "siamese-cost", "updetr-oneshot", "detreg-gradients"]
"""Tables and a figure that have jobs of every stage."""


@dataclass(frozen=True)
class Tree:
    """A root, and the plan of which everything is made in it."""

    root: Path
    plan: Plan

    def folder(self, run: str) -> Path:
        return self.root / "data/smoke" / run

    def state(self, run: str) -> Path:
        return self.root / "data/smoke/state" / run

    def begin(self, run: str, lines: int, start: float = BEGAN + 5000) -> Path:
        """A run on its way, in its state folder alone; on a host that is not this one. Returns the curve."""
        state = self.state(run)
        state.mkdir(parents=True, exist_ok=True)
        record = json.loads((self.folder(run) / "run.json").read_text())
        for key in ("outputs", "seconds", "peak_memory_bytes"):
            record.pop(key)
        record |= {"finished": None, "starts": [{"time": start, "host": "elsewhere", "pid": 1, "step": 0}]}
        (state / "run.json").write_text(json.dumps(record))
        write_curve(state / "metrics.jsonl", lines, start)
        return state / "metrics.jsonl"

    def finish(self, run: str, seconds: float = 60) -> None:
        """The state becomes the run folder, as the trainer does it."""
        state, out = self.state(run), self.folder(run)
        shutil.copy(state / "metrics.jsonl", out / "metrics.jsonl")
        begun = json.loads((state / "run.json").read_text())
        ended = _ended(begun, {"metrics.jsonl": out / "metrics.jsonl"}, begun["starts"][-1]["time"] + seconds)
        for path in (state / "run.json", out / "run.json"):
            path.write_text(json.dumps(ended))


def write_curve(path: Path, lines: int, start: float = BEGAN) -> None:
    """A line of training every step and an evaluation every fifth; times are the run's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for step in range(lines):
            line: dict[str, float] = {"time": start + step, "step": step, "epoch": step / 5}
            file.write(json.dumps(line | {"train/total": 10 / (step + 1), "train/lr": 1e-3}) + "\n")
            if step % 5 == 0:
                file.write(json.dumps(line | {"test/AP": float(step)}) + "\n")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A few tables and a figure, and what they are made from; an empty database."""
    plan = compile_plan(ROOT / "params", "smoke", SHOWN)
    _drop(plan, lambda path: "seed1" in path or "/detr/" in path or "smoke-s1" in path)
    root = tmp_path_factory.mktemp("template")
    for job in plan.jobs.values():
        _make(job, root)
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        Door(Store.of(root))
    return Tree(root, plan)


@pytest.fixture
def whole(template: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """One's own copy, with the store in its root."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(template.root, tmp_path / "root")
    return Tree(tmp_path / "root", deepcopy(template.plan))


@pytest.fixture
def tree(whole: Tree) -> Tree:
    """A single fine-tuning from a backbone."""
    _drop(whole.plan, lambda path: not path.startswith((SCRATCH, "backbones/swav_r50")))
    return whole


def _drop(plan: Plan, unwanted: Callable[[str], bool]) -> None:
    for path in [path for path in plan.jobs if unwanted(path)]:
        del plan.jobs[path]


def _make(job: Job, root: Path) -> None:
    settings = root / job.settings_file
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(job.text)
    outputs = {slot: root / file for slot, file in job.outputs.items()}
    for slot, path in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        match slot:
            case "curve":
                write_curve(path, 12)
            case "settings_copy":
                path.write_text(job.text)
            case "metrics":
                path.write_text(json.dumps({"metrics": {"AP": 12.5, "AP50": 30.0}}))
            case "pictures":
                path.mkdir()
                names = ["test"] if job.stage == "finetune" else ["pairs", "found-0000000", "found-0000010"]
                for n, name in enumerate(names):
                    Image.new("RGB", (8, 8), (40 * n, 0, 0)).save(path / f"{name}.png")
            case "png":
                Image.new("RGB", (8, 8), (0, 40, 0)).save(path)
            case "record":
                pass
            case _:
                path.write_text(f"{job.path} {slot}\n")
    if "record" in outputs:
        small = {
            path.name: path for slot, path in outputs.items() if path.is_file() and "settings" not in slot
        }
        inputs = {s: {"path": f, "sha256": sha256(root / f)} for s, f in job.inputs.items()}
        outputs["record"].write_text(json.dumps(_ended(_begun(job, inputs), small, BEGAN + 60)))


def _begun(job: Job, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": job.path,
        "stage": job.stage,
        "seed": 0,
        "commit": "c0ffee",
        "dirty": False,
        "inputs": inputs,
        "versions": {"python": "3", "torch": "2"},
        "device": "cpu",
        "starts": [{"time": BEGAN, "host": "elsewhere", "pid": 1, "step": 0}],
        "finished": None,
    }


def _ended(record: dict[str, Any], outputs: dict[str, Path], finished: float) -> dict[str, Any]:
    return record | {
        "outputs": {name: sha256(path) for name, path in outputs.items()},
        "seconds": {"total": 60.0},
        "peak_memory_bytes": 1 << 28,
        "finished": finished,
    }
