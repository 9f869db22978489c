"""Protocols of measurement at scale smoke: heads alone, class and box error, what a step takes."""

import json
from pathlib import Path

import pytest
import torch

from sdetr.interop.weights import read_weights

pytestmark = pytest.mark.pipeline


def cells(project, table: str) -> dict[str, dict[str, float]]:
    """Row → metric → mean."""
    told = json.loads((project.root / f"reports/smoke/tables/{table}.json").read_text())
    return {
        cell["row"]: {name: one["mean"] for name, one in cell["metrics"].items()} for cell in told["cells"]
    }


def test_heads_alone_leave_the_body_of_the_pretraining(everything):
    recalls = cells(everything, "siamese-initialisation")
    assert recalls.keys() == {"random", "updetr", "detreg", "siamese"}
    assert all(0 <= one["AR1"] <= one["AR10"] <= one["AR100"] <= 100 for one in recalls.values())
    data, protocol = everything.root / "data/smoke", "siamese-imagenet-60e"
    before, after = (
        read_weights(data / run / "seed0/weights.safetensors")[0]
        for run in (
            f"pretrain/{protocol}/siamese/detr",
            f"finetune/siamese-voc-heads-50e/detr/siamese~{protocol}",
        )
    )
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert moved == {name for name in before if name.startswith("box_head.")}
    assert {name.split(".")[0] for name in after.keys() - before.keys()} == {"class_head"}


def test_errors_are_of_the_runs_queries_and_the_page_says_what_they_are(everything):
    found = cells(everything, "detreg-ablation")
    assert found.keys() == {"embedding", "frozen"}
    assert all(0 <= one["class-error"] <= 100 and 0 < one["box-error"] < 4 for one in found.values())
    page = (everything.root / "reports/smoke/tables/detreg-ablation.md").read_text()
    assert "box-error: what such a box is off" in page and "| Selective Search, λ = 1 " in page


def test_what_a_step_takes_names_its_machine_and_whose_memory_it_is(everything):
    found = cells(everything, "siamese-cost")
    assert found.keys() == {"updetr", "detreg", "siamese"}
    assert all(one["memory-mb"] > 50 and 0 < one["step-s"] < 60 for one in found.values())
    page = (everything.root / "reports/smoke/tables/siamese-cost.md").read_text()
    assert "Measured on c" in page
    for run in (everything.root / "data/smoke/bench").glob("*/*/*/seed0"):
        assert len(json.loads((run / "cost.json").read_text())["seconds"]) == 5


def test_other_steps_are_taken_again_alone(all_made):
    all_made.edit("params/scales/smoke.yaml", "{warm_steps: 2, steps: 5}", "{warm_steps: 2, steps: 6}")
    again = {Path(file).parts[2] for file in all_made.would_run("--profile", "smoke", "all_tables")}
    assert again == {"bench", "tables"}
