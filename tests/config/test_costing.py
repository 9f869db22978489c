"""What a step of pretraining takes: which jobs that are, and what of a table makes no sense."""

from pathlib import Path
from typing import Any

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from tests.config.conftest import ROOT, edit, make_all_rows

TABLE, ALONE = "tables/siamese-cost.yaml", ["siamese-cost"]
BENCH = "bench/siamese-cost/conditional"


def settings(params: Path, scale: str, tables: list[str], stage: str) -> dict[str, dict[str, Any]]:
    return {job.path: job.settings for job in compile_plan(params, scale, tables).of(stage)}


@pytest.mark.parametrize("scale", ["paper", "demo"])
def test_its_steps_are_those_of_the_pretraining_that_a_row_starts_from_but_for_the_batch(params, scale):
    make_all_rows(params)
    costs = settings(params, scale, ALONE, "cost")
    others = settings(params, scale, ["siamese-voc"], "pretrain")
    assert len(costs) == 3
    for path, said in costs.items():
        pretext = path.split("/")[3].partition("~")[0]
        assert path == f"{BENCH}/{pretext}~siamese-coco-60e/seed0"
        whole = others[f"pretrain/siamese-coco-60e/{pretext}/conditional/seed0"]
        assert said["protocol"] == whole["protocol"] | {"batch": 4, "features_ahead": False}
        rest = ("stage", "recipe", "protocol", "features", "warm_steps", "steps")
        assert {k: v for k, v in said.items() if k not in rest} == {
            k: v for k, v in whole.items() if k not in rest
        }
        assert (said["stage"], said["warm_steps"], said["steps"]) == ("cost", 20, 50)


def test_nothing_is_trained_for_it_and_nothing_but_its_table_reads_it():
    plan = compile_plan(ROOT / "params", "paper", ALONE)
    assert not plan.of("pretrain") and not plan.of("evaluate") and not plan.of("page")
    assert {job.path for job in plan.after(plan.of("cost"))} == {
        "tables/siamese-cost",
        "index/report",
        *(job.path for job in plan.of("cost")),
    }


def test_other_steps_concern_it_alone_and_seeds_are_the_pretrainings(params):
    tables = [*ALONE, "siamese-voc"]
    before = compile_plan(params, "demo", tables)
    edit(params, "protocols/siamese-cost.yaml", "steps: 50", "steps: 60")
    after = compile_plan(params, "demo", tables)
    changed = {path for path, job in after.jobs.items() if job.text != before.jobs[path].text}
    assert changed == {job.path for job in after.of("cost")} | {"tables/siamese-cost"}
    edit(params, "scales/paper.yaml", "seeds: [0]", "seeds: [0, 1]")
    edit(params, TABLE, "start: siamese~siamese-coco-60e}", "start: siamese~siamese-coco-60e.2}")
    found = {path: said["seed"] for path, said in settings(params, "paper", ALONE, "cost").items()}
    assert found[f"{BENCH}/detreg~siamese-coco-60e.1/seed1"] == 1 and len(found) == 5
    assert found[f"{BENCH}/siamese~siamese-coco-60e.2/seed2"] == 2


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        (
            TABLE,
            "start: siamese~siamese-coco-60e}",
            "start: swav_r50}",
            "start swav_r50 is no pretraining alone",
        ),
        (
            TABLE,
            "start: siamese~siamese-coco-60e}",
            "start: siamese~siamese-coco-60e+siamese-voc-vanilla-50e}",
            "is no pretraining alone",
        ),
        (
            TABLE,
            "start: siamese~siamese-coco-60e}",
            "proposer: random}",
            "siamese: a proposer, but siamese-cost",
        ),
        (
            TABLE,
            "start: siamese~siamese-coco-60e}",
            "start: siamese~siamese-coco-60e, epoch: 0}",
            "siamese: siamese-cost is not evaluated at epoch 0",
        ),
        (TABLE, "[memory-mb,", "[AP,", "row updetr: no AP, of predictions: siamese-cost finds nothing"),
        (
            TABLE,
            "protocol: siamese-cost}",
            "protocol: siamese-voc-conditional-50e}",
            "no memory-mb, of protocols of task bench: siamese-voc-conditional-50e fine-tunes",
        ),
        (
            TABLE,
            "protocol: siamese-cost}",
            "protocol: detreg-proposals}",
            "no memory-mb, of protocols of task bench: detreg-proposals trains nothing",
        ),
        ("protocols/siamese-cost.yaml", "\nsteps: 50", "\nsteps: 0", "steps: found 0, expected greater than"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_job(params, file, old, new, message):
    edit(params, file, old, new)
    with pytest.raises(SettingsError, match=message):
        compile_plan(params, "paper", ALONE)
