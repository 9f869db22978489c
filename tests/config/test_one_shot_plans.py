"""Plans of one-shot detection: what its runs bring from their start, and which numbers tables may ask for."""

from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.blank import kinds
from sdetr.config.compile import compile_plan
from sdetr.config.job import Job
from tests.config.conftest import ROOT, edit

TABLE, PROTOCOL = "updetr-oneshot", "updetr-oneshot-300e"
PRETRAINED = "updetr~updetr-imagenet-60e"
FIRST = f"finetune/{PROTOCOL}/detr-prenorm"


def runs(params: Path = ROOT / "params", scale: str = "smoke") -> dict[str, Job]:
    """By start."""
    return {job.path.split("/")[3]: job for job in compile_plan(params, scale, [TABLE]).of("finetune")}


def start(params: Path, old: str, new: str) -> None:
    edit(params, f"tables/{TABLE}.yaml", f"start: {old}", f"start: {new}")


def test_up_detrs_projection_of_the_crop_comes_along_and_a_backbone_has_none():
    found = runs()
    heads = "data/smoke/pretrain/updetr-imagenet-60e/updetr/detr-prenorm/seed0/pretext.safetensors"
    assert found[PRETRAINED].inputs["heads"] == found[PRETRAINED].settings["heads"] == heads
    assert found[PRETRAINED].settings["fresh"] == ["class_head."]
    assert "heads" not in found["swav_r50"].inputs and "heads" not in found["swav_r50"].settings


@pytest.mark.parametrize(
    "other, brings",
    [
        ("siamese~siamese-imagenet-60e", None),
        (
            f"{PRETRAINED}+{PROTOCOL}",
            f"finetune/{PROTOCOL}/detr-prenorm/{PRETRAINED}/seed0/weights.safetensors",
        ),
        (f"{PRETRAINED}+updetr-voc-150e", None),
    ],
)
def test_other_starts_bring_it_where_they_have_learned_it(params, other, brings):
    start(params, PRETRAINED, other)
    job = runs(params)[other]
    assert job.inputs.get("heads") == (brings and f"data/smoke/{brings}")
    assert job.settings.get("heads") == job.inputs.get("heads")


@pytest.mark.parametrize("scale", ["paper", "demo", "smoke"])
def test_it_trains_without_the_unseen_classes_and_is_measured_by_them(scale):
    plan = compile_plan(ROOT / "params", scale, [TABLE])
    unseen = ["cow", "sheep", "cat", "aeroplane"] if scale == "paper" else ["marbled-heart", "dotted-bolt"]
    (part,) = plan.of("subset")
    assert sorted(part.settings["without"]) == sorted(unseen) and "only" not in part.settings
    for job in plan.of("finetune"):
        assert job.inputs["train"] == part.outputs["index"] and job.settings["unseen"] == unseen
    for job in plan.of("evaluate"):
        assert job.settings["one_shot"] and job.settings["eleven_point"]
        assert job.settings["unseen"] == unseen


@pytest.mark.parametrize("scale, steps", [("demo", 400), ("smoke", 5)])
def test_small_scales_take_few_steps(scale, steps):
    for job in runs(scale=scale).values():
        protocol = job.settings["protocol"]
        assert round(protocol["epochs"] * protocol["steps_per_epoch"]) == steps
        assert protocol["query"] == {"crop_px": 32, "passes": 5}


def test_a_test_set_that_holds_no_class_back_is_refused(params):
    edit(params, "datasets/shapes-voc07-test-demo-s0.yaml", "unseen: [marbled-heart, dotted-bolt]\n", "")
    with pytest.raises(SettingsError, match=r"shapes-voc07-test-smoke-s0 has no unseen classes.*`unseen:`"):
        runs(params)


@pytest.mark.parametrize(
    "metric, why",
    [
        ("AP", "of predictions: updetr-oneshot-300e asks for one class at a time"),
        ("AP50-11", "of predictions: updetr-oneshot-300e asks for one class at a time"),
        ("class-error", "of protocols that say matched: updetr-oneshot-300e asks for one class at a time"),
        ("step-s", "of protocols of task bench: updetr-oneshot-300e fine-tunes"),
    ],
)
def test_numbers_of_all_classes_at_once_are_refused(params, metric, why):
    edit(params, f"tables/{TABLE}.yaml", "metrics: [AP50-seen,", f"metrics: [{metric}, AP50-seen,")
    with pytest.raises(SettingsError, match=f"row scratch: no {metric}, {why}"):
        runs(params)


@pytest.mark.parametrize(
    "table, metric, why",
    [
        ("updetr-voc", "AP50-seen", "of protocols of task one_shot: updetr-voc-150e is of task detection"),
        ("updetr-voc", "AP50-cow", "of protocols of task one_shot: updetr-voc-150e is of task detection"),
        (
            "detreg-proposals",
            "AP50-seen-11",
            "of task one_shot: detreg-proposals trains nothing",
        ),
        ("siamese-cost", "AP50-cow", "of protocols of task one_shot: siamese-cost finds nothing"),
    ],
)
def test_others_have_no_numbers_of_a_class(params, table, metric, why):
    edit(params, f"tables/{table}.yaml", "metrics: [", f"metrics: [{metric}, ")
    with pytest.raises(SettingsError, match=why):
        compile_plan(params, "smoke", [table])


def test_an_epoch_of_a_curve_has_no_eleven_points(params):
    row = f"updetr: {{label: UP-DETR, start: {PRETRAINED}"
    edit(params, f"tables/{TABLE}.yaml", row, f"{row}, epoch: 0")
    with pytest.raises(SettingsError, match=r"no AP50-seen-11, .*: it reads a curve"):
        runs(params)


def test_a_metric_says_what_a_run_has_to_be():
    assert kinds("AP") == [""] and kinds("AP50-11") == ["-11", ""]
    assert kinds("AP50-cow") == ["AP50-…"] and kinds("AP50-seen-11") == ["AP50-…", "-11"]
    assert kinds("box-error") == ["-error"] and kinds("step-s") == ["-s"]
