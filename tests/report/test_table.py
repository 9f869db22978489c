"""The table stage: three files that hold the same numbers, made without torch."""

import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sdetr
from sdetr.config.base import SettingsError


def test_json_and_csv_hold_every_value_and_where_it_came_from(tree):
    tree.settings |= {"scale": "paper", "compares": True}
    tree.make()
    cell = next(cell for cell in tree.json()["cells"] if (cell["row"], cell["column"]) == ("scratch", "big"))
    assert cell["metrics"]["AP"] == {
        "values": [40.0, 42.0, 44.0], "mean": 42.0, "std": 2.0, "n": 3, "paper": 41.0, "difference": 1.0,
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
    def read() -> list[bytes]:
        return [tree.out.with_suffix(suffix).read_bytes() for suffix in (".md", ".csv", ".json")]

    tree.make()
    first = read()
    tree.make()
    assert read() == first
    assert {path.suffix for path in tree.out.parent.iterdir()} == {".md", ".csv", ".json"}


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
