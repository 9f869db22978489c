"""What a result rests on: every record up the chain, and nothing beside it."""

from pathlib import Path

from sdetr.config.compile import compile_plan
from sdetr.config.records import made_from, record_of
from sdetr.evaluation.settings import EvaluateRun
from sdetr.evaluation.stage import _read

ROOT = Path(__file__).parents[2]
PLAN = compile_plan(ROOT / "params", "smoke", ["siamese-voc", "updetr-patches", "detreg-proposals"])
SIAMESE = "finetune/siamese-voc-vanilla-50e/detr/siamese~siamese-imagenet-60e/seed0"
PRETRAINING = "pretrain/siamese-imagenet-60e/siamese/detr/seed0"
PAGES = ("page", "index")
"""Stages that write nothing that another one rests on."""


def test_a_run_rests_on_its_pretraining_and_all_that_came_before_and_on_no_other_run():
    before = [job.path for job in PLAN.before([PLAN.jobs[SIAMESE]])]
    assert [path.split("/")[0] for path in before if not path.startswith("raw/")] == [
        "backbones", "proposals", "views", "features", "pretrain", "finetune",
    ]  # fmt: skip
    assert {path for path in before if path.startswith("finetune")} == {SIAMESE}
    assert sum(path.startswith("raw/") for path in before) == 5


def test_what_follows_from_a_pretraining_is_its_runs_their_evaluation_and_the_table():
    after = {job.path for job in PLAN.after([PLAN.jobs[PRETRAINING]]) if job.stage not in PAGES}
    runs = {SIAMESE, SIAMESE.replace("seed0", "seed1")}
    assert after == {PRETRAINING, *runs, *(f"{run}/metrics" for run in runs), "tables/siamese-voc"}


def test_a_record_has_to_name_its_settings_and_for_each_input_the_record_of_its_maker():
    said = made_from(PLAN, [PLAN.jobs[PRETRAINING]])
    run = said[f"data/smoke/{PRETRAINING}/run.json"]
    assert run.settings == PLAN.jobs[PRETRAINING].digest
    assert run.inputs == {
        "init": "data/smoke/backbones/swav_r50.json",
        "dataset": "data/raw/shapes-imagenet-smoke-s0/train.record.json",
        "plan": "data/smoke/views/siamese-imagenet-60e/siamese-pairs/seed0.json",
        "proposals": "data/smoke/proposals/imagenet-train/edgeboxes.json",
        "features": "data/smoke/features/siamese-imagenet-60e/siamese-pairs/seed0.json",
    }
    seen: set[str] = set()
    for record, made in said.items():
        assert set(made.inputs.values()) <= seen, "what comes first stands first"
        seen.add(record)


def test_every_stage_leaves_a_record_that_its_own_jobs_alone_write():
    records = [record_of(job) for job in PLAN.jobs.values() if job.stage not in PAGES]
    assert None not in records and len(set(records)) == len(records)


def test_records_of_evaluations_are_asked_for_what_an_evaluation_says_alone():
    """Regression: they were asked for a folder of segments, too, whose list has the digests of its files."""
    plan = compile_plan(ROOT / "params", "smoke", ["updetr-panoptic"])
    files = [job.outputs["metrics"] for job in plan.of("evaluate")]
    table = plan.jobs["tables/updetr-panoptic"].settings
    for file in files:
        run = EvaluateRun(stage="evaluate", recipe=1, test="index", eleven_point=False, panoptic="list")
        said = {slot for slot, _ in _read(run, Path("settings"), Path("predictions"), Path("index"))}
        assert set(table["records"][file]["inputs"]) | {"settings"} == said
