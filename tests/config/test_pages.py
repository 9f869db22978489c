"""Pages of runs in the plan: one each, told what their folders do not know, and cheap to plan."""

from pathlib import Path

import pytest

from sdetr.config.compile import compile_plan
from sdetr.config.layers import Params

ROOT = Path(__file__).parents[2]
SCRATCH = "finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0"
SIAMESE = "finetune/siamese-voc-vanilla-50e/detr/siamese~siamese-imagenet-60e"
PRETRAINED = "pretrain/siamese-imagenet-60e/siamese/detr/seed0"


def edit(params: Path, file: str, old: str, new: str) -> None:
    text = (params / file).read_text()
    assert old in text
    (params / file).write_text(text.replace(old, new, 1))


def texts(params: Path, scale: str = "demo") -> dict[str, str]:
    return {path: job.text for path, job in compile_plan(params, scale).jobs.items()}


def changed(params: Path, before: dict[str, str]) -> set[str]:
    after = texts(params)
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def differences(plan, run: str) -> dict[str, tuple[object, object]]:
    said = plan.jobs[f"runs/{run}"].settings.get("differences", [])
    return {one["field"]: (one["here"], one["paper"]) for one in said}


@pytest.mark.parametrize("scale", Params(ROOT / "params").names("scales"))
def test_every_run_has_one_page_made_from_its_small_files(scale):
    plan = compile_plan(ROOT / "params", scale)
    runs = {job.path: job for stage in ("pretrain", "finetune") for job in plan.of(stage)}
    assert {f"runs/{path}" for path in runs} == {job.path for job in plan.of("page")}
    for path, run in runs.items():
        page = plan.jobs[f"runs/{path}"]
        assert page.outputs == {"page": f"reports/{scale}/runs/{path}.html"}
        assert page.settings_file == f"data/{scale}/settings/runs/{path}.yaml"
        assert page.settings["settings"] == run.digest
        names = {Path(file).name for slot, file in page.inputs.items() if slot != "settings"}
        is_first = any(job.inputs.get("init") == run.outputs["weights"] for job in plan.of("finetune"))
        assert (f"{path}/metrics" in plan.jobs) == (run.stage == "finetune" and not is_first)
        measured = {"metrics.json"} if f"{path}/metrics" in plan.jobs else set()
        assert names == {"run.json", "metrics.jsonl", "settings.yaml"} | measured


def test_the_papers_scale_differs_in_nothing():
    plan = compile_plan(ROOT / "params", "paper")
    assert not [job.path for job in plan.of("page") if "differences" in job.settings]


def test_another_scale_says_each_setting_that_it_changes_and_what_stands_for_what():
    plan = compile_plan(ROOT / "params", "demo")
    run = differences(plan, SCRATCH)
    assert run["backbone"] == ("shapes-r18-s0", "swav_r50")
    assert run["train"] == (
        "data/raw/shapes-voc12-trainval-demo-s0/trainval.json",
        "data/raw/voc12-trainval/trainval.json",
    )
    assert run["protocol.batch"] == (16, 32)
    assert run["protocol.steps_per_epoch"] == (4.0, None)
    assert run["protocol.warmup_steps"] == (20, 0), "a default that the scale replaces is a difference too"
    assert "protocol.epochs" not in run and "recipe" not in run and "seed" not in run
    pretraining = differences(plan, PRETRAINED)
    assert pretraining["proposer"] == ("edgeboxes-demo", "edgeboxes")
    assert pretraining["protocol.features_ahead"] == (True, False)
    assert not {"plan", "proposals", "features"} & set(pretraining), (
        "files are made from what is said already"
    )


def test_a_run_knows_its_cells_and_who_starts_from_it():
    plan = compile_plan(ROOT / "params", "demo", ["siamese-voc"])
    cells = [
        (one["table"], one["row"], one["column"]) for one in plan.jobs[f"runs/{SCRATCH}"].settings["tables"]
    ]
    assert cells == [("siamese-voc", "before training", "DETR"), ("siamese-voc", "from scratch", "DETR")]
    settings = plan.jobs[f"runs/{PRETRAINED}"].settings
    assert settings["followers"] == [f"{SIAMESE}/seed{seed}" for seed in (0, 1, 2)]
    assert "tables" not in settings


def test_an_edited_caption_concerns_its_table_alone_and_a_label_no_run(params):
    before = texts(params)
    edit(params, "tables/siamese-voc.yaml", "Detectors fine-tuned on", "Detectors tuned on")
    assert changed(params, before) == {"tables/siamese-voc"}
    edit(params, "tables/siamese-voc.yaml", "label: DETR,", "label: Vanilla DETR,")
    concerned = changed(params, before) - {"tables/siamese-voc"}
    assert concerned and all(path.startswith("runs/finetune/siamese-voc-vanilla-50e/") for path in concerned)


def test_a_number_that_only_the_paper_uses_concerns_pages_alone(params):
    before = texts(params)
    edit(params, "protocols/siamese-voc-vanilla-50e.yaml", "lr_backbone: 5.0e-5", "lr_backbone: 4.0e-5")
    assert {path.split("/")[0] for path in changed(params, before)} == {"runs"}


def test_runs_of_one_file_name_that_the_papers_scale_cannot_tell_apart_are_no_mistake_here(params):
    """Whether the papers' runs agree with each other is asked when they are planned."""
    text = (params / "protocols/siamese-voc-vanilla-50e.yaml").read_text()
    (params / "protocols/copy.yaml").write_text(text)
    column = "columns:\n  copy: {label: c, model: detr, protocol: copy}\n"
    edit(params, "tables/siamese-voc.yaml", "columns:\n", column)
    edit(params, "scales/demo.yaml", "  detreg-coco-1pct: {", "  copy: {batch: 8}\n  detreg-coco-1pct: {")
    plan = compile_plan(params, "demo")
    assert differences(plan, "finetune/copy/detr/swav_r50/seed0")["protocol.batch"] == (8, 32)
