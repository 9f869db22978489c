"""The plan: paths are identities, and an edit concerns exactly the runs that contain it."""

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.job import STAGES
from sdetr.config.layers import Params
from sdetr.config.listing import as_json, as_text
from sdetr.config.plan import Plan
from sdetr.config.schema import schemas

ROOT = Path(__file__).parents[2]
SCALES = Params(ROOT / "params").names("scales")
VANILLA, CONDITIONAL = "siamese-voc-vanilla-50e", "siamese-voc-conditional-50e"


def edit(params: Path, file: str, old: str, new: str) -> None:
    text = (params / file).read_text()
    assert old in text
    (params / file).write_text(text.replace(old, new, 1))


def changed(before: Plan, after: Plan) -> set[str]:
    """Paths whose settings file differs; pages follow their runs (test_pages.py)."""
    paths = {job.path for plan in (before, after) for job in plan.jobs.values() if job.stage != "page"}
    return {
        p
        for p in paths
        if p not in before.jobs or p not in after.jobs or before.jobs[p].text != after.jobs[p].text
    }


@pytest.mark.parametrize("scale", SCALES)
def test_every_table_compiles_at_every_scale(scale):
    plan = compile_plan(ROOT / "params", scale)
    stages = {job.stage for job in plan.jobs.values()}
    assert stages | {"features"} == set(STAGES)  # features are made ahead where a scale says so
    assert {f"tables/{name}" for name in Params(ROOT / "params").names("tables")} <= set(plan.jobs)


@pytest.mark.parametrize("scale", SCALES)
def test_what_a_job_reads_was_made_by_a_job_before_it(scale):
    made: set[str] = set()
    for job in compile_plan(ROOT / "params", scale).jobs.values():
        assert {file for slot, file in job.inputs.items() if slot != "settings"} <= made, job.path
        assert not made & set(job.outputs.values()), job.path
        made |= set(job.outputs.values())


@pytest.mark.parametrize("scale", SCALES)
def test_paths_are_words_that_every_engine_takes(scale):
    for job in compile_plan(ROOT / "params", scale).jobs.values():
        assert all(
            set(word) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-~+.") for word in job.path.split("/")
        )


def test_the_paper_scale_plans_the_papers_data_and_sizes():
    plan = compile_plan(ROOT / "params", "paper")
    run = plan.jobs[f"finetune/{CONDITIONAL}/conditional/swav_r50/seed0"]
    assert run.settings["train"] == "data/raw/voc12-trainval/trainval.json"
    assert run.settings["protocol"]["batch"] == 16
    assert run.settings["protocol"]["lr_backbone"] == 5e-5
    assert run.settings["model"]["decoder_layers"] == 6
    assert run.settings["trunk"] == {"arch": "resnet50"}
    assert not [path for path in plan.jobs if "shapes" in path]


def test_a_scale_replaces_values_only():
    demo, paper = (compile_plan(ROOT / "params", scale) for scale in ("demo", "paper"))
    assert {j.path for j in paper.of("finetune")} <= {j.path for j in demo.of("finetune")} | set(demo.aliases)
    vanilla = demo.jobs[f"finetune/{VANILLA}/detr/swav_r50/seed0"].settings
    assert vanilla["protocol"]["steps_per_epoch"] == 4.0
    assert vanilla["protocol"]["epochs"] == 50


def test_a_section_of_a_scale_may_make_exceptions(params):
    resize = "  resize: {short: 96, longest: 128}\n"
    edit(params, "scales/demo.yaml", resize, resize + "  when: {model=detr: {steps_per_epoch: 8.0}}\n")
    plan = compile_plan(params, "demo", "first")
    runs = {
        model: f"finetune/{protocol}/{model}/swav_r50/seed0"
        for model, protocol in (("detr", VANILLA), ("conditional", CONDITIONAL))
    }
    said = {model: plan.jobs[run].settings["protocol"]["steps_per_epoch"] for model, run in runs.items()}
    assert said == {"detr": 8.0, "conditional": 4.0}


def test_what_a_scale_says_of_a_parent_leaves_the_childs_difference(params):
    composer = Composer(Params(params), "demo")
    weights = {
        name: composer.pretext(
            name, composer.pretraining_facts("conditional", "siamese-imagenet-60e", name)
        ).weights
        for name in ("siamese", "siamese-loc", "siamese-loc-region")
    }
    assert (weights["siamese"].feature, weights["siamese"].global_) == (3.0, 0.3)  # the scale's
    assert (weights["siamese-loc"].feature, weights["siamese-loc"].global_) == (0.0, 0.0)
    assert (weights["siamese-loc-region"].feature, weights["siamese-loc-region"].global_) == (3.0, 0.0)


def test_a_section_of_a_scale_about_nothing_is_refused(params):
    edit(params, "scales/demo.yaml", "  siamese: {weights", "  siamse: {weights")
    with pytest.raises(
        SettingsError, match=r"demo\.yaml:\d+: pretexts: 'siamse' is not known, did you mean 'siamese'"
    ):
        compile_plan(params, "demo", "first")


def test_an_edited_protocol_concerns_exactly_its_runs_and_their_table(params):
    before = compile_plan(params, "demo", "first")
    edit(params, f"protocols/{CONDITIONAL}.yaml", "batch: 16\n", "batch: 16\nweight_decay: 2.0e-4\n")
    after = compile_plan(params, "demo", "first")
    starts = ("swav_r50", "siamese~siamese-imagenet-60e")
    runs = {f"finetune/{CONDITIONAL}/conditional/{start}/seed{k}" for start in starts for k in (0, 1, 2)}
    assert changed(before, after) == runs | {"tables/siamese-voc"}


def test_an_edited_pretext_concerns_its_pretraining_and_the_table_that_rests_on_it(params):
    """What follows reruns because its input does; scratch, proposals and views have nothing to do with it."""
    before = compile_plan(params, "demo", "first")
    edit(params, "scales/demo.yaml", "feature: 3.0", "feature: 2.0")
    after = compile_plan(params, "demo", "first")
    runs = {f"pretrain/siamese-imagenet-60e/siamese/{model}/seed0" for model in ("detr", "conditional")}
    assert changed(before, after) == runs | {"tables/siamese-voc"}
    starting = [job.inputs["init"].split("/")[2] for job in after.of("finetune") if "siamese~" in job.path]
    assert starting == ["pretrain"] * 6


def test_equal_views_of_two_protocols_are_two_files_whatever_tables_are_made(params):
    """Else a run would name another file, and be run again, when another table is made, too."""
    few, all_ = (compile_plan(params, "paper", tables) for tables in (["siamese-voc"], "all"))
    run = "pretrain/siamese-imagenet-60e/updetr-eos/conditional/seed0"
    assert few.jobs[run].text == all_.jobs[run].text
    assert few.jobs[run].inputs["plan"].startswith("data/paper/views/siamese-imagenet-60e/")
    views = [job for job in all_.of("views") if job.path.endswith("/updetr-patches/seed0")]
    assert len(views) > 1 and len({job.text.split("\n", 1)[1] for job in views}) == 1


def test_an_edited_parent_concerns_its_children_too(params):
    before = compile_plan(params, "demo", "first")
    edit(params, f"protocols/{VANILLA}.yaml", "weight_decay: 1.0e-4", "weight_decay: 2.0e-4")
    touched = {
        path.split("/")[1]
        for path in changed(before, compile_plan(params, "demo", "first"))
        if path.startswith("finetune")
    }
    assert touched == {VANILLA, CONDITIONAL, "updetr-voc-150e"}


def test_an_edited_backbone_changes_no_runs_settings_but_its_own_and_the_tables(params):
    before = compile_plan(params, "demo", "first")
    edit(params, "backbones/shapes-r18-s0.yaml", "lr: 2.0e-3", "lr: 1.0e-3")
    after = compile_plan(params, "demo", "first")
    children = {"backbones/swav_r50", "backbones/supervised_r50"}
    tables = {"tables/siamese-voc", "tables/updetr-patches", "tables/detreg-proposals"}
    assert changed(before, after) == children | tables


def test_blanks_comments_citations_and_key_order_concern_nothing(params):
    before = compile_plan(params, "demo", "first")
    for path in params.rglob("*.yaml"):
        path.write_text("# a comment\n\n" + path.read_text().replace("\n", "\n\n", 1) + "\n# another\n")
    edit(params, f"protocols/{VANILLA}.yaml", "lr: UP-DETR §4.1", "lr: somewhere else")
    edit(params, f"protocols/{VANILLA}.yaml", "epochs: 50", "epochs:   50   # as printed")
    assert changed(before, compile_plan(params, "demo", "first")) == set()


def test_defaults_of_fields_are_in_no_settings_file():
    text = "".join(job.text for job in compile_plan(ROOT / "params", "paper", ["siamese-voc"]).of("finetune"))
    assert "weight_decay" in text
    for field in ("ema", "micro_batch", "max_detections", "prenorm", "lr_factor_points", "turns"):
        assert field not in text


@pytest.mark.parametrize("stage", STAGES)
def test_a_raised_recipe_concerns_exactly_its_stage_and_the_tables(monkeypatch, stage):
    before = compile_plan(ROOT / "params", "demo")
    room = {"data": "data", "proposals": "proposals", "evaluate": "evaluation"}.get(stage)
    if room:
        monkeypatch.setattr(f"sdetr.{room}.settings.RECIPE", 99)
    else:
        rooms = {"views": "views", "features": "views", "table": "report", "page": "report"}
        room = rooms.get(stage, "training")
        monkeypatch.setitem(importlib.import_module(f"sdetr.{room}.settings").RECIPES, stage, 99)
    after = compile_plan(ROOT / "params", "demo")
    touched = {job.stage for path, job in before.jobs.items() if job.text != after.jobs[path].text}
    holding = {"table", "page"} if stage in ("pretrain", "finetune", "evaluate") else {"table"}
    assert touched == {stage} | (set() if stage == "page" else holding)  # what holds digests of others


def test_two_different_settings_at_one_path_are_an_error_naming_the_fields():
    job = compile_plan(ROOT / "params", "demo").of("finetune")[0]
    plan = Plan("demo")
    plan.add(job)
    other = replace(job, settings=job.settings | {"protocol": job.settings["protocol"] | {"lr": 1.0}})
    with pytest.raises(
        SettingsError, match=r"seed0: planned twice with different settings: protocol\.lr is 0\.001 and 1\.0"
    ):
        plan.add(other)


def test_two_different_inputs_at_one_path_are_an_error_too(params):
    """Features made ahead have no backbone in their path: one for two backbones would be wrong for one."""
    when = "when: {model=conditional: {backbone: supervised_r50}}\nsource:"
    edit(params, "protocols/siamese-imagenet-60e.yaml", "source:", when)
    with pytest.raises(SettingsError, match=r"features/.*planned twice .*: inputs\.init is"):
        compile_plan(params, "demo", "first")


def test_two_columns_of_one_detector_and_protocol_run_once_and_the_second_says_so(params):
    line = "  conditional: {label: Conditional"
    twin = "  twin: {label: t, model: detr, protocol: siamese-voc-vanilla-50e}\n"
    edit(params, "tables/siamese-voc.yaml", line, twin + line)
    table = compile_plan(params, "demo", "first").jobs["tables/siamese-voc"].settings
    rows = ("untrained", "scratch", "siamese")
    assert table["same_as"] == {row: {"twin": {"row": row, "column": "detr-50e"}} for row in rows}
    assert all("twin" not in columns for columns in table["cells"].values())


def copied(params: Path) -> None:
    """A protocol under a second name, and a column that uses it."""
    text = (params / f"protocols/{CONDITIONAL}.yaml").read_text()
    (params / "protocols/copy.yaml").write_text(text)
    line = "rows:\n  untrained"
    column = "  copy: {label: c, model: conditional, protocol: copy}\n"
    edit(params, "tables/siamese-voc.yaml", line, column + line)


def test_equal_settings_at_two_paths_are_an_error_naming_both_where_nothing_is_replaced(params):
    copied(params)
    with pytest.raises(SettingsError, match=f"copy/.*{CONDITIONAL}/.*equal settings at scale paper"):
        compile_plan(params, "paper")


def test_names_that_a_scale_makes_equal_run_once_and_the_cell_says_so(params):
    """Planned runs, their pretraining and everything else are those of a table without the second name."""
    before = compile_plan(params, "demo", "first")
    copied(params)
    plan = compile_plan(params, "demo", "first")
    assert set(plan.jobs) == set(before.jobs)
    assert {path.split("/")[1] for path in plan.aliases if "supervised" not in path} == {"copy"}
    table = plan.jobs["tables/siamese-voc"].settings
    rows = ("untrained", "scratch", "siamese")
    assert table["same_as"] == {row: {"copy": {"row": row, "column": "conditional"}} for row in rows}


def test_two_different_settings_at_a_path_that_means_another_are_an_error_too():
    job = compile_plan(ROOT / "params", "demo").of("finetune")[0]
    plan = Plan("demo", merges=True)
    twin = replace(job, path="finetune/another/name", outputs={})
    assert plan.add(job) is plan.add(twin) is plan.add(twin)
    with pytest.raises(SettingsError, match=r"another/name: planned twice .*: seed is 0 and 7"):
        plan.add(replace(twin, settings=job.settings | {"seed": 7}))


def test_starts_that_a_scale_makes_equal_run_once_and_the_cell_says_so(params):
    edit(
        params,
        "tables/siamese-voc.yaml",
        "paper:\n",
        "  supervised: {label: supervised, start: supervised_r50}\npaper:\n",
    )
    edit(params, "scales/demo.yaml", "supervised_r50: shapes-r18-s1", "supervised_r50: shapes-r18-s0")
    plan = compile_plan(params, "demo", ["siamese-voc"])
    assert not [path for path in plan.jobs if "supervised" in path]
    table = plan.jobs["tables/siamese-voc"].settings
    columns = ("detr-50e", "conditional")
    assert table["same_as"] == {"supervised": {c: {"row": "scratch", "column": c} for c in columns}}
    assert "supervised" not in table["cells"]


def test_another_seed_of_the_backbone_is_another_run(params):
    edit(
        params,
        "tables/siamese-voc.yaml",
        "paper:\n",
        "  supervised: {label: supervised, start: supervised_r50}\npaper:\n",
    )
    plan = compile_plan(params, "demo")
    assert f"finetune/{VANILLA}/detr/supervised_r50/seed0" in plan.jobs
    assert "same_as" not in plan.jobs["tables/siamese-voc"].settings


def test_a_further_stage_starts_from_the_run_before_it(params):
    chain = f"swav_r50+{VANILLA}.1"
    edit(
        params, "tables/siamese-voc.yaml", "paper:\n", f"  chain: {{label: chain, start: {chain}}}\npaper:\n"
    )
    plan = compile_plan(params, "paper")
    run = plan.jobs[f"finetune/{CONDITIONAL}/conditional/{chain}/seed0"]
    assert (
        run.inputs["init"] == f"data/paper/finetune/{VANILLA}/conditional/swav_r50/seed1/weights.safetensors"
    )
    assert run.settings["fresh"] == ["class_head."]
    assert "fresh" not in plan.jobs[f"finetune/{VANILLA}/conditional/swav_r50/seed1"].settings


def test_rows_columns_and_seeds_can_be_selected(params):
    edit(
        params,
        "scales/demo.yaml",
        "siamese-voc: {rows: [untrained, scratch, siamese]}",
        "siamese-voc: {rows: [scratch], columns: [conditional], seeds: [7]}",
    )
    edit(params, "scales/demo.yaml", "  updetr-patches: {}\n", "")
    runs = [job.path for job in compile_plan(params, "demo", "first").of("finetune")]
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


def test_settings_files_are_rewritten_only_when_they_changed(params, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    plan = compile_plan(params, "demo", "first")
    assert len(plan.write()) == len(plan.jobs)
    assert plan.write() == []
    edit(params, f"protocols/{CONDITIONAL}.yaml", "batch: 16\n", "batch: 16\nweight_decay: 2.0e-4\n")
    assert (
        len(compile_plan(params, "demo", "first").write()) == 13
    )  # two starts, three seeds, their pages, one table
    for job in compile_plan(params, "demo", "first").jobs.values():
        assert yaml.safe_load(Path(job.settings_file).read_text()) == json.loads(json.dumps(job.settings))


def test_raw_data_has_no_scale():
    demo, doubled = (compile_plan(ROOT / "params", s) for s in ("demo", "demo-doubled"))
    assert [j.settings_file for j in demo.of("data")] == [j.settings_file for j in doubled.of("data")]
    assert all(j.settings_file.startswith("data/raw/") for j in demo.of("data"))


def test_listings_hold_every_job():
    plan = compile_plan(ROOT / "params", "demo")
    assert all(path in as_text(plan) for path in plan.jobs)
    assert {job["path"] for job in as_json(plan)["jobs"]} == set(plan.jobs)


def test_schemas_for_editors_are_current():
    for name, text in schemas().items():
        assert (ROOT / "params/schemas" / name).read_text() == text, "run `uv run sdetr schema`"


@pytest.mark.parametrize(
    "module",
    [
        "sdetr.config",
        "sdetr.config.compile",
        "sdetr.cli",
        "sdetr.evaluation.stage",
        "sdetr.report.table",
        "sdetr.report.run_page",
    ],
)
def test_planning_evaluating_and_tables_import_no_torch(module):
    heavy = {"torch", "torchvision", "mlflow", "snakemake"}
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == ""
