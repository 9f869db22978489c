"""Few-shot detection in the plan: base classes, then all with a new class head; novel ones are measured."""

from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from sdetr.config.stages import Stages
from tests.config.conftest import ROOT, edit

TABLE, BASE = "detreg-fewshot", "detreg-fewshot-base-50e"
SCALES = ("paper", "demo", "smoke")


def planned(scale: str, params: Path = ROOT / "params") -> Plan:
    return compile_plan(params, scale, [TABLE])


@pytest.mark.parametrize("scale", SCALES)
def test_detreg_t34_the_class_head_is_fresh_from_base_to_novel_and_nothing_else_is(scale: str) -> None:
    runs = {job.path: job for job in planned(scale).of("finetune")}
    second = [job for job in runs.values() if "+" in job.path]
    assert len(second) == (4 if scale == "paper" else 2)
    for job in second:
        _, protocol, model, start, seed = job.path.split("/")
        assert protocol.startswith("detreg-fewshot-") and start.endswith(f"+{BASE}")
        before = runs[f"finetune/{BASE}/{model}/{start.removesuffix(f'+{BASE}')}/{seed}"]
        assert job.inputs["init"] == before.outputs["weights"]
        assert job.settings["fresh"] == ["class_head."]
        assert job.settings["model"] == before.settings["model"]


@pytest.mark.parametrize("scale", SCALES)
def test_shots_of_one_start_share_its_base_classes_and_all_are_tested_on_the_same_images(scale: str) -> None:
    plan = planned(scale)
    base = [job for job in plan.of("finetune") if job.path.startswith(f"finetune/{BASE}/")]
    assert [job.path.split("/")[3] for job in base] == ["supervised_r50", "detreg~detreg-in100-50e"]
    assert len({job.inputs["test"] for job in plan.of("finetune")}) == 1
    (train,) = {job.inputs["train"] for job in base}
    assert plan.maker(train).settings["subset"]["classes"] == "base"
    assert train not in {job.inputs["train"] for job in plan.of("finetune") if job not in base}


@pytest.mark.parametrize(("scale", "novel"), [("paper", 20), ("demo", 10), ("smoke", 10)])
def test_classes_that_are_measured_are_those_that_the_first_stage_does_not_see(
    scale: str, novel: int
) -> None:
    plan = planned(scale)
    (base,) = {job.path for job in plan.of("subset") if job.settings["subset"].get("classes") == "base"}
    unseen = plan.jobs[base].settings["without"]
    assert len(unseen) == novel
    assert [job.settings["novel"] for job in plan.of("evaluate")] == [unseen] * len(plan.of("evaluate"))
    other = compile_plan(ROOT / "params", scale, ["detreg-semi"]).of("evaluate")
    assert not any("novel" in job.settings for job in other)


def test_at_the_papers_scale_shots_are_those_that_tfa_drew_and_elsewhere_ours() -> None:
    listed = {
        job.path: job.settings["subset"].get("listed")
        for scale in SCALES
        for job in planned(scale).of("subset")
        if job.settings["subset"].get("shots")
    }
    assert listed == {
        "raw/coco14-10shot-tfa0": "cocosplit/full_box_10shot_{class}_trainval.json",
        "raw/coco14-30shot-tfa0": "cocosplit/full_box_30shot_{class}_trainval.json",
        "raw/shapes-coco-train-demo-s0-10shot": None,
        "raw/shapes-coco-train-smoke-s0-1shot": None,
    }


def test_lists_are_not_asked_of_what_stands_for_their_images(params: Path) -> None:
    edit(params, "scales/demo.yaml", "  coco14-10shot-tfa0: coco-train2017-10shot\n", "")
    with pytest.raises(
        SettingsError, match=r"listed: cocosplit/.* is about coco14-trainvalno5k, for which shap"
    ):
        planned("demo", params)


def test_a_page_names_what_stands_for_the_base_classes_too() -> None:
    (table,) = planned("demo").of("table")
    stands = table.settings["stands"]
    assert stands["coco14-base60"] == "shapes-coco-train-demo-s0-base"
    assert stands["coco14-10shot-tfa0"] == "shapes-coco-train-demo-s0-10shot"


def test_a_number_of_images_that_nobody_counts_exactly_is_for_estimates_alone(params: Path) -> None:
    (params / "datasets/mine.yaml").write_text("of: coco-train2017\nclasses: base\nabout_images: 9\n")
    for scale, about in (("paper", 9), ("demo", None)):
        made = Stages(Plan(scale), Composer(Params(params), scale)).dataset("mine").settings["subset"]
        assert (made.get("about_images"), made.get("expected_images")) == (about, None)


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        (
            "protocols/detreg-fewshot-10.yaml",
            "novel: true",
            "novel: false",
            "row supervised: no AP-novel, of protocols that say novel: detreg-fewshot-10 does not",
        ),
        (
            "tables/detreg-fewshot.yaml",
            "base-50e}",
            "base-50e, epoch: 0}",
            "row supervised: no AP-novel, .*: it reads a curve, and they are counted at the end",
        ),
        (
            "datasets/coco14-5k-minival.yaml",
            "novel: [person,",
            "novel: []\nunseen: [person,",
            "data set coco14-5k-minival: .* measures novel classes .* name them there as `novel:`",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_before_any_job(
    params: Path, file: str, old: str, new: str, message: str
) -> None:
    edit(params, file, old, new)
    with pytest.raises(SettingsError, match=message):
        planned("paper", params)
