"""An edit of `params/` concerns exactly the jobs that contain it."""

import importlib
import json
from pathlib import Path

import pytest
import yaml

from sdetr.config.compile import compile_plan
from sdetr.config.job import STAGES
from sdetr.config.plan import Plan
from tests.config.conftest import CONDITIONAL, ROOT, VANILLA, edit

DRAWN = ("table", "figure", "page", "index")
"""Stages that show what others found, so that no other rests on them."""


def changed(before: Plan, after: Plan) -> set[str]:
    """Paths whose settings file differs; pages follow their runs (test_pages.py)."""
    paths = {job.path for plan in (before, after) for job in plan.jobs.values() if job.stage != "page"}
    return {
        p
        for p in paths
        if p not in before.jobs or p not in after.jobs or before.jobs[p].text != after.jobs[p].text
    }


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
    backbones = {job.path for job in after.of("backbone")}  # the other one extends it
    assert changed(before, after) == backbones | {job.path for job in after.of("table")}  # all rest on it


def test_blanks_comments_citations_and_key_order_concern_nothing(params):
    before = compile_plan(params, "demo", "first")
    for path in params.rglob("*.yaml"):
        path.write_text("# a comment\n\n" + path.read_text().replace("\n", "\n\n", 1) + "\n# another\n")
    edit(params, f"protocols/{VANILLA}.yaml", "weight_decay: UP-DETR §4.1", "weight_decay: somewhere else")
    edit(params, f"protocols/{VANILLA}.yaml", "epochs: 50", "epochs:   50   # as printed")
    assert changed(before, compile_plan(params, "demo", "first")) == set()


def test_defaults_of_fields_are_in_no_settings_file():
    runs = compile_plan(ROOT / "params", "paper", ["siamese-voc"]).of("finetune")
    text = "".join(job.text for job in runs if "deformable" not in job.path)
    assert "weight_decay" in text
    for field in ("ema", "micro_batch", "max_detections", "prenorm", "lr_factor_points", "turns"):
        assert field not in text


@pytest.fixture(scope="module")
def demo() -> Plan:
    return compile_plan(ROOT / "params", "demo")


@pytest.mark.parametrize("stage", STAGES)
def test_a_raised_recipe_concerns_exactly_its_stage_and_the_tables(demo, monkeypatch, stage):
    room = {"proposals": "proposals", "evaluate": "evaluation"}.get(stage)
    if room:
        monkeypatch.setattr(f"sdetr.{room}.settings.RECIPE", 99)
    else:
        rooms = {
            "data": "data",
            "subset": "data",
            "views": "views",
            "features": "views",
            **dict.fromkeys(DRAWN, "report"),
        }
        room = rooms.get(stage, "training")
        monkeypatch.setitem(importlib.import_module(f"sdetr.{room}.settings").RECIPES, stage, 99)
    after = compile_plan(ROOT / "params", "demo")
    touched = {job.stage for path, job in demo.jobs.items() if job.text != after.jobs[path].text}
    holding = set() if stage == "look" else {"table"}  # what holds digests of others
    holding |= set() if stage in ("measure", "cost") else {"figure"}
    holding |= {"page"} if stage in ("pretrain", "finetune", "evaluate") else set()
    if stage == "rehearse":  # of studies, see test_study.py; no scale of the project says it
        assert touched == set()
    else:
        assert touched == {stage} | (set() if stage in DRAWN else holding)


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
