"""A run page says what its folder says, to anybody, anywhere, for ever."""

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from PIL import Image

from sdetr.config.base import SettingsError
from sdetr.files import sha256
from sdetr.report.run_page import make_page
from tests.report.reading import Read

EVIL = '<script>alert("1")</script>'


@dataclass
class Toy:
    """One run below `data/demo`, its state, and the settings of its page."""

    run: str = "finetune/toy-50e/detr/siamese~toy/seed0"
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inputs = {
            "settings": (f"data/demo/settings/{self.run}.yaml", "settings digest"),
            "init": ("data/demo/pretrain/toy/siamese/detr/seed0/weights.safetensors", "init digest"),
            "train": ("data/raw/shapes-train/train.json", "train digest"),
            "test": ("data/raw/shapes-test/test.json", "test digest"),
        }
        self.record: dict[str, Any] = {
            "run": self.run,
            "stage": "finetune",
            "seed": 0,
            "commit": "c" * 40,
            "dirty": False,
            "inputs": {name: {"path": path, "sha256": digest} for name, (path, digest) in inputs.items()},
            "versions": {"python": "3.11.7", "torch": "2.15.0"},
            "device": "cpu, 1 thread of 2 cores",
            "starts": [{"time": 1.7e9, "host": "vm", "pid": 1, "step": 0}],
            "finished": 1.7e9 + 100,
            "outputs": {"weights.safetensors": "weights digest", "predictions.json": "predictions digest"},
            "seconds": {"total": 100.0, "training": 60.0},
            "peak_memory_bytes": 1_500_000_000,
        }
        self.curve = [
            {"time": 1.0, "step": 0, "epoch": 0.0, "test/AP": 1.25},
            {"time": 2.0, "step": 20, "epoch": 25.0, "train/total": 9.0, "train/lr": 0.001},
            {"time": 3.0, "step": 40, "epoch": 50.0, "test/AP": 41.25},
        ]
        self.measured({"AP": 40.5})
        self.log = [f"line {n}" for n in range(100)]
        self.settings = {
            "stage": "page",
            "recipe": 1,
            "scale": "demo",
            "compares": False,
            "run": self.run,
            "settings": "settings digest",
            "measured": "evaluation's digest",
        }

    def measured(self, numbers: dict[str, float]) -> None:
        """By the plan's evaluation, from the run's predictions."""
        digests = {"settings": "evaluation's digest", "predictions": "predictions digest"}
        self.metrics: dict[str, Any] = {
            "metrics": numbers,
            "inputs": {name: {"path": name, "sha256": digest} for name, digest in digests.items()},
        }

    @property
    def folder(self) -> Path:
        return Path("data/demo") / self.run

    @property
    def out(self) -> Path:
        return Path("reports/demo/runs") / f"{self.run}.html"

    def write(self) -> None:
        state = Path("data/demo/state") / self.run
        for folder in (self.folder / "pictures", state):
            folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in self.curve))
        self.record["outputs"]["metrics.jsonl"] = sha256(self.folder / "metrics.jsonl")
        for folder in (self.folder, state):
            (folder / "run.json").write_text(json.dumps(self.record))
        if self.metrics:
            (self.folder / "metrics.json").write_text(json.dumps(self.metrics))
        (self.folder / "settings.yaml").write_text("seed: 0\n")
        (state / "train.log").write_text("\n".join(self.log))

    def make(self) -> Read:
        Path("page.yaml").write_text(yaml.safe_dump(self.settings))
        make_page(Path("page.yaml"), self.out)
        return Read(self.out.read_text())


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Toy:
    monkeypatch.chdir(tmp_path)
    toy = Toy()
    toy.write()
    return toy


def test_it_says_what_was_made_from_what_how_well_and_how_to_repeat_it(toy):
    toy.settings["differences"] = [{"field": "protocol.lr", "here": 0.001, "paper": None}]
    toy.settings["tables"] = [{"table": "toy", "title": "Toy", "row": "ours", "column": "DETR"}]
    text = toy.make().text
    for said in (
        "detr fine-tuned from siamese~toy, seed 0",
        "Nothing on this page compares with a paper",
        "AP40.541.2 at epoch 50",
        "40 steps, 50 epochs, in 100 s on cpu, 1 thread of 2 cores, finished 2023-11-14 22:15 UTC",
        "protocol.lr0.001unset",
        "Table Toy: DETR, ours",
        "init digest",
        "weights digest",
        "peak memory1.50 GB",
        "Started once.",
        f"git checkout {'c' * 40}",
        "snakemake --profile demo 'data/demo/finetune/toy-50e/detr/siamese~toy/seed0/run.json' --force",
        "sdetr train --settings",
    ):
        assert said in text, said


def test_a_run_of_a_blank_cell_is_repeated_by_a_command_that_asks_for_the_cell(toy):
    assert "cells=" not in toy.make().text
    toy.settings["cells"] = ["toy.ours.detr"]
    assert "--force --config scale=demo tables=all cells=toy.ours.detr\n" in toy.make().text


def test_it_needs_nothing_from_outside(toy):
    read = toy.make()
    for address in read.addresses():
        parts = urlsplit(address)
        assert parts.scheme in ("", "data") and not parts.netloc and not parts.path.startswith("/"), address
    assert not {name for name, _ in read.elements} & {"script", "link", "iframe", "object"}
    assert "url(" not in toy.out.read_text() and "@import" not in toy.out.read_text()
    assert all(attrs.get("alt") for name, attrs in read.elements if name == "img")


def test_links_are_relative_to_the_page(toy):
    toy.settings["followers"] = ["finetune/toy-50e/detr/siamese~toy+more/seed1"]
    there = {
        (toy.out.parent / unquote(urlsplit(a).path)).resolve().relative_to(Path.cwd()).as_posix()
        for a in toy.make().addresses()
        if not a.startswith("data:")
    }
    assert there >= {
        f"data/demo/{toy.run}",
        "data/raw/shapes-train/train.json",
        "data/demo/pretrain/toy/siamese/detr/seed0/weights.safetensors",
        "reports/demo/runs/pretrain/toy/siamese/detr/seed0.html",
        "reports/demo/runs/finetune/toy-50e/detr/siamese~toy+more/seed1.html",
        "reports/demo/mlflow.html",
    }
    assert f"mlflow.html#{toy.run}" in toy.out.read_text()


def test_fault_63_names_from_files_are_text_wherever_they_stand(toy):
    toy.record |= {"commit": EVIL, "device": EVIL, "versions": {EVIL: EVIL}, "seconds": {"total": 1, EVIL: 2}}
    toy.record["starts"][0]["host"] = EVIL
    toy.record["inputs"]["train"] = {"path": f"data/raw/{EVIL[:7]}/x.json", "sha256": EVIL}
    toy.record["inputs"]["extra"] = {"path": EVIL, "sha256": EVIL}
    toy.record["outputs"][EVIL] = EVIL
    toy.curve.append({"step": 50, "epoch": 60.0, f"test/{EVIL}": 1.0, f"train/aux_{EVIL}": 2.0})
    toy.measured({EVIL: 3.0})
    toy.log = [EVIL]
    toy.settings["differences"] = [{"field": EVIL, "here": EVIL, "paper": [EVIL]}]
    toy.settings["tables"] = [{"table": "toy", "title": EVIL, "row": EVIL, "column": EVIL}]
    toy.write()
    (toy.folder / "settings.yaml").write_text(EVIL)
    Image.new("RGB", (4, 4)).save(toy.folder / "pictures" / "<script>.png")
    read = toy.make()
    assert "script" not in {name for name, _ in read.elements}
    assert not [key for _, attrs in read.elements for key in attrs if key.startswith("on")]
    assert read.text.count(EVIL) >= 20


@pytest.mark.parametrize("keep", [0, 1])
def test_a_curve_of_one_point_or_none_makes_a_page(toy, keep):
    toy.curve, toy.metrics = toy.curve[:keep], {}
    del toy.settings["measured"]
    toy.write()
    read = toy.make()
    assert [name for name, _ in read.elements].count("svg") == keep
    assert ("The run left no curve." in read.text) == ("Nothing was measured." in read.text) == (not keep)


def test_a_killed_run_says_so(toy):
    toy.record["starts"] += [{"time": 1.7e9 + 50, "host": "vm", "pid": 2, "step": 20}]
    toy.write()
    assert "Stopped once before its end, and continued where it was." in toy.make().text


def test_code_with_changes_or_without_a_commit_says_so(toy):
    toy.record |= {"commit": None, "dirty": True}
    toy.write()
    text = toy.make().text
    assert "git checkout" not in text
    assert "Uncommitted changes were in the code" in text and "not in a git repository" in text


def test_a_pretraining_has_a_page_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy = Toy("pretrain/toy/siamese/detr/seed0")
    inputs = toy.record["inputs"]
    inputs["dataset"] = inputs.pop("train")
    inputs["init"]["path"] = "data/demo/backbones/swav_r50.safetensors"
    toy.record["stage"], toy.metrics = "pretrain", {}
    del toy.settings["measured"]
    toy.curve[-1]["test/IoU"] = 67.0
    toy.write()
    text = toy.make().text
    assert "detr pretrained by siamese, seed 0" in text
    assert "pretrained without labels by the pretext siamese on shapes-train" in text
    assert "IoU67.067.0 at epoch 50" in text
    assert "sdetr pretrain --settings" in text


def test_a_page_is_a_function_of_its_files(toy, tmp_path, monkeypatch):
    toy.make()
    first = toy.out.read_bytes()
    (tmp_path / "elsewhere").mkdir()
    for name in ("data", "page.yaml"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    toy.make()
    assert toy.out.read_bytes() == first
    assert str(tmp_path) not in first.decode()


def test_a_path_of_a_machine_is_shown_from_the_root(toy, tmp_path):
    entry = toy.record["inputs"]["train"]
    entry["path"] = str(tmp_path / entry["path"])
    toy.write()
    assert "data/raw/shapes-train/train.json" in toy.make().text
    assert str(tmp_path) not in toy.out.read_text()


def test_fault_64_the_end_of_the_log_is_of_this_attempt_and_nothing_holds_a_password(toy, monkeypatch):
    monkeypatch.setenv("STORE_TOKEN", "hunter<2>pass")
    toy.log += ["fetching https://me:sesame@example.org/x", "with hunter<2>pass"]
    toy.settings["differences"] = [{"field": "url", "here": "hunter<2>pass", "paper": None}]
    toy.write()
    (toy.folder / "settings.yaml").write_text("url: https://example.org/x?token=sesame\n")
    text = toy.make().text
    assert "line 99" in text and "line 62" in text and "line 61" not in text
    assert "https://example.org/x" in text
    assert "sesame" not in text and "hunter" not in toy.out.read_text()
    state = Path("data/demo/state") / toy.run / "run.json"
    state.write_text(json.dumps(toy.record | {"finished": 5}))
    assert "line 99" not in toy.make().text, "another attempt has begun since"
    state.unlink()
    assert "Its log is not here" in toy.make().text


def test_pictures_travel_in_the_page_which_stays_small(toy):
    noise = Image.effect_noise((1400, 1400), 200).convert("RGB")
    for name in ["test", "pairs", *(f"found-{step:07d}" for step in range(0, 900, 100))]:
        noise.save(toy.folder / "pictures" / f"{name}.png")
    read = toy.make()
    assert toy.out.stat().st_size < 3_000_000
    assert "found-0000800.png" in read.text and "wanted (thin, white), step 800." in read.text
    assert read.text.index("pairs.png") < read.text.index("found-0000000.png") < read.text.index("test.png")
    for file in (toy.folder / "pictures").glob("found*"):
        file.unlink()
    images = [attrs for name, attrs in toy.make().elements if name == "img"]
    assert [(i["width"], i["src"][:23]) for i in images] == [("1400", "data:image/jpeg;base64,")] * 2


def test_a_picture_that_cannot_be_made_small_is_a_link(toy, monkeypatch):
    monkeypatch.setattr("sdetr.report.run_figures.BUDGET_BYTES", 10)
    Image.new("RGB", (8, 8)).save(toy.folder / "pictures" / "test.png")
    read = toy.make()
    assert "img" not in {name for name, _ in read.elements} and "test.png" in read.text


@pytest.mark.parametrize("spoil", ["settings", "curve", "evaluation", "predictions"])
def test_a_run_that_is_not_the_plans_has_no_page(toy, spoil):
    file, what = "run", spoil
    match spoil:
        case "settings":
            toy.settings["settings"] = "another digest"
        case "curve":
            (toy.folder / "metrics.jsonl").write_text("{}\n")
        case "evaluation":
            toy.settings["measured"], file, what = "another digest", "metrics", "settings"
        case "predictions":
            toy.record["outputs"]["predictions.json"], file = "another digest", "metrics"
            toy.write()
    said = rf"{file}\.json is stale, made from other {what}.*--forcerun data/demo/"
    with pytest.raises(ValueError, match=said):
        toy.make()
    assert not toy.out.exists()


def test_a_page_says_of_which_settings_it_is(toy):
    read = toy.make()
    said = {attrs.get("name"): attrs.get("content") for name, attrs in read.elements if name == "meta"}
    assert said["sdetr-settings"] == sha256(Path("page.yaml"))


def test_a_missing_run_is_named_with_the_command_that_makes_it(toy):
    (toy.folder / "run.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"seed0/run\.json does not exist; make it: snakemake"):
        toy.make()


def test_a_settings_file_of_another_shape_is_refused(toy):
    del toy.settings["run"]
    with pytest.raises(SettingsError, match=r"page\.yaml: run"):
        toy.make()


def test_making_a_page_imports_neither_torch_nor_matplotlib(toy):
    toy.make()
    program = (
        "import sys\nfrom sdetr.cli import main\n"
        f"main(['page', '--settings', 'page.yaml', '--out', {str(toy.out)!r}])\n"
        "print([name for name in ('torch', 'numpy', 'mlflow', 'matplotlib') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert said.stdout.strip() == "[]", said.stderr


def test_styles_know_light_dark_and_paper(toy):
    style = re.search(r"<style>(.*?)</style>", (toy.make(), toy.out.read_text())[1], re.S)[1]
    assert "prefers-color-scheme: dark" in style and "@media print" in style
