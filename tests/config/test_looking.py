"""Runs that are only looked at: which there are of a figure, and what of its file makes no sense."""

from pathlib import Path

import pytest
import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.dvc import FILES, as_dvc
from sdetr.config.layers import Params
from tests.config.conftest import ROOT, edit

PICTURES = {
    "detreg-examples": {
        "deformable/swav_r50": "backbones/swav_r50",
        "detr-prenorm/updetr~updetr-imagenet-60e": "pretrain/updetr-imagenet-60e/updetr/detr-prenorm/seed0",
        "deformable/detreg~detreg-in100-50e": "pretrain/detreg-in100-50e/detreg/deformable/seed0",
        "proposer/selective-search-bgr": "proposals/coco-val2017/selective-search-bgr",
    },
    "detreg-slots": {
        "deformable/supervised_r50+detreg-coco-full-50e": (
            "finetune/detreg-coco-full-50e/deformable/supervised_r50/seed0"
        ),
        "deformable/detreg~detreg-in100-50e": "pretrain/detreg-in100-50e/detreg/deformable/seed0",
    },
    "detreg-gradients": {
        "deformable/detreg~detreg-in100-50e": "pretrain/detreg-in100-50e/detreg/deformable/seed0",
    },
    "siamese-qualitative": {
        f"detr/{pretext}~siamese-imagenet-60e": f"pretrain/siamese-imagenet-60e/{pretext}/detr/seed0"
        for pretext in ("updetr-eos", "detreg", "siamese")
    },
    "updetr-queries": {
        "detr-prenorm/updetr~updetr-imagenet-60e": "pretrain/updetr-imagenet-60e/updetr/detr-prenorm/seed0",
    },
    "updetr-detections": {
        "detr-prenorm/updetr~updetr-imagenet-60e+updetr-coco-300e": (
            "finetune/updetr-coco-300e/detr-prenorm/updetr~updetr-imagenet-60e/seed0"
        ),
        "detr-prenorm/updetr~updetr-imagenet-60e+updetr-oneshot-300e": (
            "finetune/updetr-oneshot-300e/detr-prenorm/updetr~updetr-imagenet-60e/seed0"
        ),
    },
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_looks_at_what_the_tables_run_and_trains_nothing_of_its_own(name: str) -> None:
    params = ROOT / "params"
    plan = compile_plan(params, "paper", [name])
    found = {
        job.path.split("/", 2)[2].removesuffix("/seed0"): plan.maker(
            job.inputs.get("init") or job.inputs["proposals"]
        ).path
        for job in plan.of("look")
    }
    assert found == PICTURES[name]
    tables = compile_plan(params, "paper", Params(params).names("tables"))
    own = ("look", "figure", "page", "index")
    assert {path for path, job in plan.jobs.items() if job.stage not in own} <= tables.jobs.keys()


@pytest.mark.parametrize("scale", ["paper", "demo", "smoke"])
def test_every_picture_reads_its_looks_and_their_records(scale: str) -> None:
    plan = compile_plan(ROOT / "params", scale, list(PICTURES))
    for job in plan.of("figure"):
        runs = {panel["run"] for panel in job.settings["panels"].values()}
        files = {f"{run}/{file}" for run in runs for file in ("looks.npz", "run.json")}
        assert files <= set(job.inputs.values())
        assert {f"{run}/run.json" for run in runs} <= job.settings["records"].keys()


def test_labels_are_those_of_a_panel_and_no_run_of_their_own() -> None:
    panels = (
        compile_plan(ROOT / "params", "paper", ["detreg-examples"])
        .jobs["figures/detreg-examples"]
        .settings["panels"]
    )
    assert panels["labels"] == panels["detreg"] | {"label": "labels", "labels": True}


def test_a_panel_of_other_scales_is_not_there() -> None:
    at = {scale: compile_plan(ROOT / "params", scale, ["updetr-detections"]) for scale in ("paper", "smoke")}
    panels = {
        scale: list(plan.jobs["figures/updetr-detections"].settings["panels"]) for scale, plan in at.items()
    }
    assert panels == {"paper": ["coco", "one-shot"], "smoke": ["coco-150e", "one-shot"]}


def test_patches_come_with_the_pretext_that_searches_for_them() -> None:
    plan = compile_plan(ROOT / "params", "paper", ["updetr-queries"])
    (job,) = plan.of("look")
    said = job.settings["what"]
    assert said["kind"] == "search" and said["pretext"]["kind"] == "updetr" and said["views"]["regions"] == 10
    assert said["views"]["colour"] == plan.of("views")[0].settings["views"]["colour"]


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("figures/detreg-examples.yaml", "labels_of: detreg", "labels_of: selective-search",
         "labels_of: selective-search shows no detector; those that do: swav, updetr, detreg"),
        ("figures/detreg-examples.yaml", "{label: labels, labels_of: detreg}",
         "{label: x, table: detreg-voc, columns: [10pct]}", "make two figures of them"),
        ("figures/detreg-examples.yaml", "protocol: detreg-examples, model: deformable, start: swav",
         "protocol: detreg-proposals, model: deformable, start: swav", "one of pictures is needed"),
        ("figures/updetr-detections.yaml", "scales: [paper]", "scales: [papr]",
         "figure updetr-detections: scales: .*paper"),
        ("figures/updetr-queries.yaml", "detr-prenorm, start: updetr~updetr-imagenet-60e",
         "deformable, start: detreg~detreg-in100-50e",
         "shows patches; start detreg~detreg-in100-50e searches for none"),
        ("protocols/detreg-examples.yaml", "logits: 91\n", "",
         "logits is missing; start swav_r50 was never trained"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_before_any_job(
    params: Path, file: str, old: str, new: str, message: str
) -> None:
    if file.startswith("protocols/"):
        edit(params, file, "  logits: DETReg's released code; of detectors that nothing has trained\n", "")
    edit(params, file, old, new)
    with pytest.raises(SettingsError, match=message):
        compile_plan(params, "paper", list(PICTURES))


def test_dvc_looks_at_every_kind_of_thing_in_one_process() -> None:
    whole = yaml.safe_load(as_dvc(compile_plan(ROOT / "params", "demo", list(PICTURES)), "sdetr plan")[FILES])
    blocks = [block["do"] for name, block in whole["stages"].items() if name.split("-")[0] == "look"]
    assert len(blocks) == 3  # weights alone, weights and a pretext's heads, proposals
    for block in blocks:
        assert block["cmd"].startswith("sdetr look --settings ${item.in.settings} --out $(dirname ")


def test_the_page_of_a_pretraining_names_what_looked_at_it() -> None:
    plan = compile_plan(ROOT / "params", "demo", ["detreg-gradients"])
    page = plan.jobs["runs/pretrain/detreg-in100-50e/detreg/deformable/seed0"]
    assert page.settings["followers"] == [
        "evaluate/detreg-gradients/deformable/detreg~detreg-in100-50e/seed0"
    ]
