"""The table stage: three files that hold the same numbers, made without torch."""

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sdetr
from sdetr.config.base import SettingsError
from sdetr.files import sha256


def test_json_and_csv_hold_every_value_and_where_it_came_from(tree):
    tree.settings |= {"scale": "paper", "compares": True}
    tree.make()
    cell = next(cell for cell in tree.json()["cells"] if (cell["row"], cell["column"]) == ("scratch", "big"))
    assert cell["metrics"]["AP"] == {
        "values": [40.0, 42.0, 44.0], "mean": 42.0, "std": 2.0, "n": 3, "paper": 41.0, "superseded": None,
        "difference": 1.0,
    }  # fmt: skip
    assert cell["runs"] == [f"data/demo/finetune/toy-50e/big/swav_r50/seed{n}" for n in range(3)]
    assert cell["commits"] == ["a" * 40] * 3
    with tree.out.with_suffix(".csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 2 * 2
    line = next(
        line for line in lines if (line["row"], line["metric"]) == ("scratch", "AP50") and line["mean"]
    )
    assert [float(value) for value in line["values"].split()] == [80.0, 84.0, 88.0]
    assert math.isclose(float(line["difference"]), 84 - 60.5)
    assert line["runs"].split() == cell["runs"]


def test_making_a_table_twice_gives_the_same_files(tree):
    def read() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in reports.rglob("*") if path.is_file()}

    reports = tree.out.parents[1]
    tree.make()
    first = read()
    tree.make()
    assert read() == first
    cells = {f"numbers/toy/big/{row}.{suffix}" for row in ("scratch", "ours") for suffix in ("json", "csv")}
    named = {Path(path).relative_to(reports).as_posix() for path in first}
    assert named == cells | {"costs/toy.md", "tables/toy.md", "tables/toy.csv", "tables/toy.json"}


def test_what_a_run_took_is_in_the_cost_page_alone(tree, edit):
    tree.make()
    before = {path: path.read_bytes() for path in tree.out.parent.rglob("*") if path.is_file()}
    run = tree.settings["cells"]["scratch"]["big"][0]["run"]
    edit(f"{run}/run.json", "seconds", to={"total": 9000.0, "training": 8000.0})
    edit(f"{run}/run.json", "peak_memory_bytes", to=12_000_000_000)
    tree.make()
    assert {path: path.read_bytes() for path in before} == before
    line = next(line for line in tree.cost().splitlines() if "from scratch" in line)
    assert [cell.strip() for cell in line.strip("|").split("|")][2:] == [
        "3", "2 h 15 min", "2 h 33 min", "12.0 GB", "cpu 2 cores",
    ]  # fmt: skip


def test_each_cell_has_its_numbers_and_the_mean_curve_of_its_runs(tree, edit):
    folders = [Path(cell["run"]) for cell in tree.settings["cells"]["scratch"]["big"]]
    for folder, aps in zip(folders, [(1, 40), (2, 42), (6, 44)], strict=True):
        lines = [{"epoch": e, "test/AP": ap} for e, ap in zip((25.0, 50.0), aps, strict=True)]
        lines += [{"epoch": 30.0, "train/total": 1.0}, *([{"epoch": 40.0, "test/AP": 9.0}] * (aps[0] == 1))]
        (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        edit(folder / "run.json", "outputs", "metrics.jsonl", to=sha256(folder / "metrics.jsonl"))
    tree.make()
    cell = tree.out.parents[1] / "numbers/toy/big/scratch"
    assert json.loads(cell.with_suffix(".json").read_text()) == {"AP": 42.0, "AP50": 84.0, "runs": 3}
    assert cell.with_suffix(".csv").read_text() == "epoch,AP,AP50\n25,3.000,\n50,42.000,\n"


def test_metrics_that_are_no_percent_keep_their_digits_and_say_what_they_are(tree):
    tree.settings["compares"] = True
    tree.settings["table"] |= {"metrics": ["AP", "class-error", "box-error"], "references": []}
    tree.settings["table"]["paper"] = {"scratch": {"big": {"class-error": 8.61, "box-error": 0.037}}}
    three = [(8.5, 0.0361), (8.75, 0.0359), (9.0, 0.0378)]
    tree.settings["cells"]["scratch"]["big"] = [
        tree.run("swav_r50", seed, AP=40.0, **{"class-error": one, "box-error": two})
        for seed, (one, two) in enumerate(three)
    ]
    page = tree.make()
    line = next(line for line in page.splitlines() if line.startswith("| from scratch"))
    assert [cell.strip() for cell in line.strip("|").split("|")][2:] == [
        "40.0 ± 0.0", "8.75 ± 0.25", "8.61 (+0.14)", "0.037 ± 0.001", "0.037 (+0.000)",
    ]  # fmt: skip
    assert "Numbers are percent" not in page and "box-error: what such a box is off" in page
    numbers = json.loads((tree.out.parents[1] / "numbers/toy/big/scratch.json").read_text())
    assert numbers == {"AP": 40.0, "class-error": 8.75, "box-error": 0.0366, "runs": 3}


def test_a_settings_file_of_another_shape_is_refused(tree):
    del tree.settings["table"]["metrics"]
    with pytest.raises(SettingsError, match=r"table\.yaml: table\.metrics"):
        tree.make()


def test_making_a_table_imports_no_torch(tree):
    tree.make()
    program = (
        "import sys\nfrom pathlib import Path\nfrom sdetr.report.table import make_table\n"
        f"make_table(Path('table.yaml'), Path({str(tree.out)!r}))\n"
        "print([name for name in ('torch', 'pycocotools', 'mlflow', 'matplotlib') if name in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(sdetr.__file__).parents[1])}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
