"""Object proposals at scale smoke: pretrained, never fine-tuned, measured beside their proposer."""

import csv
import json

import pytest

pytestmark = pytest.mark.pipeline

TABLE = "reports/smoke/tables/detreg-proposals.md"
DETREG = {
    name: f"deformable/detreg-{name}~detreg-in100-50e" for name in ("other-boxes", "importance", "random-k")
}
RUNS = {
    "untrained": "deformable/supervised_r50",
    "swav": "deformable/swav_r50",
    "updetr": "detr-prenorm/updetr~updetr-imagenet-60e",
    "selective-search": "proposer/selective-search-bgr",
    "top-k": "deformable/detreg~detreg-in100-50e",
    **DETREG,
}
"""Those of the table's rows that are made here → the middle of their path."""


def test_every_row_has_a_number_a_link_and_no_curve(everything):
    told = json.loads((everything.root / TABLE).with_suffix(".json").read_text())
    page = (everything.root / TABLE).read_text()
    assert {cell["row"]: cell["runs"] for cell in told["cells"]} == {
        row: [f"data/smoke/evaluate/detreg-proposals/{run}/seed0"] for row, run in RUNS.items()
    }
    for cell in told["cells"]:
        recalls = [cell["metrics"][name]["mean"] for name in ("AR1", "AR10", "AR100")]
        assert recalls == sorted(recalls) and 0 <= recalls[0] <= recalls[2] <= 100
        (run,) = cell["runs"]
        assert f"../../../{run}/run.json" in page and (everything.root / run / "run.json").is_file()
    searched = next(cell for cell in told["cells"] if cell["row"] == "selective-search")
    assert searched["metrics"]["AR100"]["mean"] > 10  # what needs no training works at any scale
    numbers = everything.root / "reports/smoke/numbers/detreg-proposals"
    assert {path.stem for path in numbers.rglob("*.json")} == set(RUNS) and not list(numbers.rglob("*.csv"))
    with (everything.root / TABLE).with_suffix(".csv").open() as file:
        who = {line["row"]: (line["model"], line["start"]) for line in csv.DictReader(file)}
    assert who["updetr"] == ("detr-prenorm", "updetr~updetr-imagenet-60e")
    assert who["selective-search"][1] == "selective-search-bgr"


def test_another_number_of_boxes_concerns_what_is_measured_and_nothing_that_is_trained(all_made):
    all_made.edit("params/protocols/detreg-proposals.yaml", "logits: 91", "logits: 91\nmax_detections: 50")
    files = ("predictions.json", "metrics.json")
    runs = {
        f"data/smoke/evaluate/detreg-proposals/{run}/seed0/{file}" for run in RUNS.values() for file in files
    }
    assert all_made.would_run("--profile", "smoke", "all_tables") == runs | {TABLE}
