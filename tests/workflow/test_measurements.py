"""Protocols of measurement at scale smoke: heads alone, class and box error, what a step takes."""

import json
from pathlib import Path

import pytest
import torch

from sdetr.interop.weights import read_weights

pytestmark = pytest.mark.pipeline

TABLES = ("siamese-initialisation", "detreg-ablation", "siamese-cost")
ASKED = ("--profile", "smoke", "--config", "scale=smoke", f"tables={','.join(TABLES)}")
FILES = [f"reports/smoke/tables/{table}.md" for table in TABLES]


@pytest.fixture(scope="module")
def measured(new_project):
    project = new_project()
    limit = "  detreg-ablation: {rows: [embedding, frozen]}\n"
    project.edit(
        "params/scales/smoke.yaml", limit, f"{limit}  siamese-initialisation: {{rows: [random, siamese]}}\n"
    )
    project.snakemake(*ASKED, "--", *FILES)
    return project


def cells(project, table: str) -> dict[str, dict[str, float]]:
    """Row → metric → mean."""
    told = json.loads((project.root / f"reports/smoke/tables/{table}.json").read_text())
    return {
        cell["row"]: {name: one["mean"] for name, one in cell["metrics"].items()} for cell in told["cells"]
    }


def test_heads_alone_leave_the_body_of_the_pretraining(measured):
    recalls = cells(measured, "siamese-initialisation")
    assert recalls.keys() == {"random", "siamese"}
    assert all(0 <= one["AR1"] <= one["AR10"] <= one["AR100"] <= 100 for one in recalls.values())
    data, protocol = measured.root / "data/smoke", "siamese-imagenet-60e"
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


def test_errors_are_of_the_runs_queries_and_the_page_says_what_they_are(measured):
    found = cells(measured, "detreg-ablation")
    assert found.keys() == {"embedding", "frozen"}
    assert all(0 <= one["class-error"] <= 100 and 0 < one["box-error"] < 4 for one in found.values())
    page = (measured.root / FILES[1]).read_text()
    assert "box-error: what such a box is off" in page and "| Selective Search, λ = 1 " in page


def test_what_a_step_takes_names_its_machine_and_whose_memory_it_is(measured):
    found = cells(measured, "siamese-cost")
    assert found.keys() == {"updetr", "detreg", "siamese"}
    assert all(one["memory-mb"] > 50 and 0 < one["step-s"] < 60 for one in found.values())
    page = (measured.root / FILES[2]).read_text()
    assert "Measured on c" in page
    for run in (measured.root / "data/smoke/bench").glob("*/*/*/seed0"):
        assert len(json.loads((run / "cost.json").read_text())["seconds"]) == 5


def test_nothing_runs_again_and_other_steps_run_again_alone(measured):
    assert measured.would_run(*ASKED, "--", *FILES) == set()
    measured.edit(
        "params/scales/smoke.yaml", "bench: {warm_steps: 2, steps: 5}", "bench: {warm_steps: 2, steps: 6}"
    )
    again = {Path(file).parts[2] for file in measured.would_run(*ASKED, "--", *FILES)}
    assert again == {"bench", "tables"}
