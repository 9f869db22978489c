"""The table of all detectors at scale smoke: each trains by its schedule, with the losses of its family."""

import json
from pathlib import Path

import pytest

from sdetr.config.layers import Params

pytestmark = pytest.mark.pipeline

TABLE = "reports/smoke/tables/detectors.md"
TWIN = "conditional-300q"
"""At this scale it has as many queries as the one that it extends."""
COLUMNS = Params(Path(__file__).parents[2] / "params").resolve("tables", "detectors").values["columns"]
MODELS = [column["model"] for column in COLUMNS.values()]
EVERY = {f"{stage}{term}" for stage in ("", "aux_") for term in ("label", "box", "giou")}


def run_of(project, model: str) -> Path:
    return project.root / f"data/smoke/finetune/{COLUMNS[model]['protocol']}/{model}/supervised_r50/seed0"


def test_all_detectors_have_a_cell_with_numbers_or_with_the_name_of_one(everything):
    cells = json.loads((everything.root / TABLE).with_suffix(".json").read_text())["cells"]
    assert [cell["column"] for cell in cells] == MODELS and len(cells) >= 13
    for cell in cells:
        if cell["column"] == TWIN:
            assert cell["same_as"] == {"row": "supervised", "column": "conditional"} and not cell["runs"]
        else:
            assert cell["metrics"]["AP"]["n"] == 1 and cell["metrics"]["AP"]["mean"] >= 0
            assert cell["same_as"] is None
    assert "= column Conditional DETR, 100 queries" in (everything.root / TABLE).read_text()


@pytest.mark.parametrize("model", [model for model in MODELS if model != TWIN])
def test_a_detector_has_the_losses_of_its_family_and_no_other(everything, model):
    lines = [
        json.loads(line) for line in (run_of(everything, model) / "metrics.jsonl").read_text().splitlines()
    ]
    said = {key.removeprefix("train/") for line in lines for key in line if key.startswith("train/")}
    first = {"first_label", "first_box", "first_giou"} if model == "deformable_two_stage" else set()
    noised = {"noised_label", "noised_box", "noised_giou"} if model.startswith("dn_") else set()
    assert said - {"total", "lr", "grad_norm"} == EVERY | first | noised


def test_another_detector_is_a_file_and_a_column_and_exactly_its_jobs(all_made):
    assert all_made.would_run("--profile", "smoke", "all_tables") == set()
    (all_made.root / "params/models/few_points.yaml").write_text("extends: deformable\npoints: 2\n")
    line = "  deformable: {label"
    column = "  few: {label: Few points, model: few_points, protocol: deformable-coco-50e}\n"
    all_made.edit("params/tables/detectors.yaml", line, column + line)
    run = "finetune/deformable-coco-50e/few_points/supervised_r50/seed0"
    files = {f"data/smoke/{run}/{file}" for file in ("weights.safetensors", "metrics.json")}
    assert all_made.would_run("--profile", "smoke", "all_tables") == files | {
        f"reports/smoke/runs/{run}.html",
        TABLE,
    }
