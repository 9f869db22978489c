"""What a table asks for: rows, columns, seeds, starts and epochs."""

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from tests.config.conftest import CONDITIONAL, ROOT, VANILLA, edit


def test_a_further_stage_starts_from_the_run_before_it(params):
    chain = f"swav_r50+{VANILLA}.1"
    edit(
        params, "tables/siamese-voc.yaml", "blank:\n", f"  chain: {{label: chain, start: {chain}}}\nblank:\n"
    )
    plan = compile_plan(params, "paper")
    run = plan.jobs[f"finetune/{CONDITIONAL}/conditional/{chain}/seed0"]
    assert (
        run.inputs["init"] == f"data/paper/finetune/{VANILLA}/conditional/swav_r50/seed1/weights.safetensors"
    )
    assert run.settings["fresh"] == ["class_head."]
    assert "fresh" not in plan.jobs[f"finetune/{VANILLA}/conditional/swav_r50/seed1"].settings


def test_a_start_may_be_pretrained_for_each_seed_anew_and_is_no_other_row(params):
    """The first seed of both rows is the same run: that makes them no same runs."""
    rows = "  anew: {label: anew, start: 'siamese~siamese-imagenet-60e.{seed}'}\nblank:\n"
    edit(params, "tables/siamese-voc.yaml", "blank:\n", rows)
    edit(
        params,
        "scales/demo.yaml",
        "siamese-voc: {seeds: [0, 1, 2], rows: [untrained, scratch, updetr, detreg, siamese, siamese-coco]}",
        "siamese-voc: {seeds: [0, 1, 2], rows: [siamese, anew], columns: [conditional]}",
    )
    plan = compile_plan(params, "demo", ["siamese-voc"])
    cells = plan.jobs["tables/siamese-voc"].settings["cells"]
    runs = {row: [run["run"].split("/", 5)[5] for run in cells[row]["conditional"]] for row in cells}
    one = "siamese~siamese-imagenet-60e"
    assert runs["siamese"] == [f"{one}/seed{k}" for k in range(3)]
    assert runs["anew"] == [f"{one}/seed0", f"{one}.1/seed1", f"{one}.2/seed2"]
    pretrained = plan.jobs[f"finetune/{CONDITIONAL}/conditional/{one}.2/seed2"].inputs["init"]
    assert pretrained.endswith("/siamese/conditional/seed2/weights.safetensors")


def test_rows_columns_and_seeds_can_be_selected(params):
    edit(
        params,
        "scales/demo.yaml",
        "siamese-voc: {rows: [untrained, scratch, siamese]}",
        "siamese-voc: {rows: [scratch], columns: [conditional], seeds: [7]}",
    )
    runs = [job.path for job in compile_plan(params, "demo", "first").of("finetune")]
    runs = [path for path in runs if "siamese-voc" in path]  # this table's
    assert runs == [f"finetune/{CONDITIONAL}/conditional/swav_r50/seed7"]


def test_rows_of_other_scales_are_left_out():
    rows = {
        s: compile_plan(ROOT / "params", s).jobs["tables/siamese-voc"].settings["cells"]
        for s in ("demo", "smoke", "paper")
    }
    assert "untrained" in rows["demo"]
    assert "untrained" in rows["smoke"]  # it extends demo
    assert "untrained" not in rows["paper"]


def test_an_epoch_that_no_curve_has_is_refused_before_any_job(params):
    edit(params, "tables/siamese-voc.yaml", "epoch: 0", "epoch: 7")
    with pytest.raises(
        SettingsError, match=r"row untrained: .* not evaluated at epoch 7, only at 0, 25, 40, 50"
    ):
        compile_plan(params, "demo", "first")


def test_a_row_is_made_in_its_own_columns_alone(params):
    cells = compile_plan(params, "paper").jobs["tables/siamese-coco"].settings["cells"]
    assert set(cells["supervised"]) == {"detr"}
    assert set(cells["scratch"]) == {"detr", "conditional", "conditional-300q", "deformable_ss", "deformable"}
    edit(params, "tables/siamese-coco.yaml", "columns: [detr]", "columns: [dert]")
    with pytest.raises(SettingsError, match=r"table siamese-coco: column 'dert'.*did you mean 'detr'"):
        compile_plan(params, "paper")


def test_a_row_that_reads_a_curve_has_no_eleven_points(params):
    edit(params, "tables/siamese-voc.yaml", "metrics: [AP,", "metrics: [AP-11,")
    compile_plan(params, "paper", ["siamese-voc"])
    with pytest.raises(SettingsError, match=r"row untrained: no AP-11, .*: it reads a curve"):
        compile_plan(params, "demo", ["siamese-voc"])
