"""A study of one's own is files of params/ that make a plan, at the size of the images and of the machine."""

import shutil
from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.study import study
from sdetr.config.study_sizes import REGIONS, WIDEST, Facts
from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.own.files_of import write_yaml
from sdetr.data.settings import ResizeSettings
from sdetr.training.overfit import middle_side_px
from sdetr.training.settings import RECIPES
from sdetr.training.symptoms import SMALL_PX

ROOT = Path(__file__).parents[2]
PART = "layout: own\nsplit: {split}\nroots: [/mine]\nown: {{format: coco, annotations: {split}.json}}\n"


def planned(tmp_path: Path, facts: Facts, unlabelled: str = "mine-train", **how: bool) -> Plan:
    params = tmp_path / "params"
    shutil.copytree(ROOT / "params", params)
    for split in ("train", "val"):
        (params / f"datasets/mine-{split}.yaml").write_text(PART.format(split=split))
    (params / "datasets/others.yaml").write_text(
        "layout: own\nsplit: train\nroots: [/o]\nown: {format: folder}\n"
    )
    for path, said in study("mine", "mine-train", "mine-val", unlabelled, facts, **how).items():
        write_yaml(params / path, "of a test", said)
    return compile_plan(params, "mine", ["mine"])


def starts(plan: Plan) -> set[str]:
    return {job.path.split("/")[3] for job in plan.of("finetune")}


def of_seed(k: int) -> tuple[str, str]:
    """Its own random backbone, and its own pretraining."""
    return f"mine-random{k}", f"siamese~mine-pretrain.{k}" if k else "siamese~mine-pretrain"


def shares(plan: Plan) -> set[str]:
    return {job.path.split("/")[1] for job in plan.of("finetune")}


def steps(job: Job) -> float:
    """Of its whole schedule."""
    return job.settings["protocol"]["epochs"] * job.settings["protocol"]["steps_per_epoch"]


def test_on_a_cpu_tiny_detectors_start_from_three_places(tmp_path):
    plan = planned(tmp_path, Facts(images=205, most_objects=25, object_side=0.18, gpu=False))
    assert starts(plan) == {"swav_r50", *(start for k in range(3) for start in of_seed(k))}
    assert shares(plan) == {"mine-5pct", "mine-10pct", "mine-100pct"}  # 1 % is two images
    assert len(plan.of("finetune")) == 3 * 3 * 3
    for job in plan.of("finetune"):
        start, seed = job.path.split("/")[3:]
        assert start in {"swav_r50", *of_seed(int(seed.removeprefix("seed")))}
    pretraining, *others = plan.of("pretrain")
    assert [one.settings["seed"] for one in (pretraining, *others)] == [0, 1, 2]
    assert pretraining.inputs["dataset"] == "data/raw/mine-train/train.json"
    tuned = plan.of("finetune")[0].settings
    assert tuned["model"]["queries"] % REGIONS == 0 and tuned["model"]["queries"] >= 25
    assert tuned["protocol"]["resize"]["short"] > 96  # small objects
    parts = {job.inputs["train"] for job in plan.of("finetune") if "-5pct" in job.path}
    assert parts == {f"data/raw/mine-train-5pct-draw{k}/train.json" for k in range(3)}
    assert steps(pretraining) == pytest.approx(1600, abs=1)
    assert {steps(job) for job in plan.of("finetune")} == {500}
    (rehearsal,) = plan.of("rehearse")
    assert rehearsal.inputs["train"] == "data/raw/mine-train/train.json"
    for job in [*plan.of("pretrain"), *plan.of("finetune")]:
        assert job.inputs["rehearsal"] == rehearsal.outputs["check"], job.path
    (table,) = plan.of("table")
    assert table.settings["table"]["question"]["against"] == ["random", "embedded"]
    assert table.settings["paired"] == ["5pct", "10pct"]  # all of the labels are the same for all seeds
    assert "Backbones are frozen" in table.settings["table"]["caption"]
    assert table.settings["table"]["rows"]["random"]["label"] == "random, frozen"
    assert [job.settings["id"] for job in plan.of("figure")] == ["mine"]


def test_seeds_share_a_pretraining_where_that_is_asked_for(tmp_path):
    facts = Facts(images=205, most_objects=25, object_side=0.18, gpu=False)
    plan = planned(tmp_path, facts, one_pretraining=True)
    (pretraining,) = plan.of("pretrain")
    tuned = [job for job in plan.of("finetune") if "siamese~" in job.path]
    assert {job.inputs["init"] for job in tuned} == {pretraining.outputs["weights"]} and len(tuned) == 9
    assert plan.of("table")[0].settings["table"]["caption"].count("pretraining was done once") == 1


@pytest.mark.parametrize("swav", [False, True])
def test_on_a_gpu_they_are_the_papers_and_begin_with_what_is_here(tmp_path, swav):
    facts = Facts(images=2000, most_objects=25, object_side=0.5, gpu=True, swav=swav)
    plan = planned(tmp_path, facts, unlabelled="others")
    known = {"supervised_r50", *(start for k in range(3) for start in of_seed(k))}
    assert starts(plan) == known | ({"swav_r50"} if swav else set())
    assert shares(plan) == {f"mine-{share}pct" for share in (1, 5, 10, 100)}
    pretraining = plan.of("pretrain")[0]
    assert pretraining.inputs["dataset"] == "data/raw/others/train.json"
    backbone = "swav_r50" if swav else "supervised_r50"
    assert pretraining.inputs["init"] == f"data/mine/backbones/{backbone}.safetensors"
    assert plan.of("finetune")[0].settings["model"]["queries"] == 100
    assert plan.of("table")[0].settings["table"]["rows"]["random"]["label"] == "random"


@pytest.mark.parametrize(
    "images, unlabelled, pretrained, tuned",
    [
        (250, None, 10_020, {5000}),  # a batch of 256, once through them, would be 60 steps
        (250, 20_000, 18_780, {5000}),
        (20_000, None, 18_780, {5000, 6250, 62_500}),
        (250, 10_000_000, 120_000, {5000}),
    ],
)
def test_on_a_gpu_steps_are_the_papers_for_as_many_images_and_never_a_handful(
    tmp_path, images, unlabelled, pretrained, tuned
):
    facts = Facts(images, most_objects=9, object_side=0.5, gpu=True, unlabelled=unlabelled)
    plan = planned(tmp_path, facts)
    pretraining = plan.of("pretrain")[0]
    assert steps(pretraining) == pretrained and pretraining.settings["protocol"]["batch"] == 64
    assert {steps(job) for job in plan.of("finetune")} == tuned


def test_a_raised_recipe_of_rehearsals_concerns_them_and_the_table(tmp_path, monkeypatch):
    facts = Facts(images=40, most_objects=9, object_side=0.5, gpu=False)
    before = planned(tmp_path / "one", facts)
    monkeypatch.setitem(RECIPES, "rehearse", 99)
    after = planned(tmp_path / "two", facts)
    touched = {job.stage for path, job in before.jobs.items() if job.text != after.jobs[path].text}
    assert touched == {"rehearse", "table", "figure"}


@pytest.mark.parametrize("gpu", [False, True])
def test_many_objects_get_queries_that_regions_share(tmp_path, gpu):
    plan = planned(tmp_path, Facts(images=40, most_objects=150, object_side=0.5, gpu=gpu))
    assert {job.settings["model"]["queries"] for job in [*plan.of("pretrain"), *plan.of("finetune")]} == {
        200 if gpu else 198
    }


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("object_side", [0.02, 0.04, 0.1, 0.25, 0.9])
def test_a_rehearsal_shows_objects_that_are_no_matter_of_a_pixel(tmp_path, gpu, object_side):
    plan = planned(tmp_path, Facts(images=40, most_objects=9, object_side=object_side, gpu=gpu))
    (rehearsal,) = plan.of("rehearse")
    short = rehearsal.settings["protocol"]["resize"]["short"]
    assert object_side * short > (SMALL_PX if gpu or object_side >= 0.04 else 0)
    assert short <= (800 if gpu else 224)  # as the papers test; minutes
    assert rehearsal.resources.gpu == gpu


def seen_px(resize: dict[str, int], width: int, height: int, share: float) -> float:
    """Side of a square object, that share of its image's shorter side, in pixels that a detector sees."""
    side = share * min(width, height)
    box = Annotation(1, 0, (0.0, 0.0, side, side), side * side)
    index = Index("x", Path("x"), ["cat"], [ImageRow(1, "1.jpg", height, width)], [box])
    return middle_side_px(index, ResizeSettings.model_validate(resize))


@pytest.mark.parametrize("object_side", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("width, height", [(96, 384), (512, 160), (1080, 2340), (100, 100)])
def test_objects_of_long_images_are_seen_as_large_as_those_of_others(tmp_path, width, height, object_side):
    ratio = max(width, height) / min(width, height)
    usual = planned(tmp_path / "usual", Facts(205, 9, object_side, gpu=False))
    long = planned(tmp_path / "long", Facts(205, 9, object_side, gpu=False, ratio=ratio))
    for stage in ("rehearse", "finetune"):
        one, other = (plan.of(stage)[0].settings["protocol"] for plan in (usual, long))
        expected = seen_px(one["resize"], 640, 480, object_side)
        assert seen_px(other["resize"], width, height, object_side) == pytest.approx(expected, rel=0.01)
    augment, short = other["augment"], other["resize"]["short"]
    assert augment["longest"] == other["resize"]["longest"]
    smallest, largest = augment["crop"]["side"]
    assert short > smallest and max(ratio, 4 / 3) * short * 0.75 == pytest.approx(largest - 16, abs=1)


def test_very_long_images_do_not_cost_whatever_they_ask_for(tmp_path):
    plan = planned(tmp_path, Facts(205, 9, 0.2, gpu=False, ratio=40.0))
    resize = plan.of("finetune")[0].settings["protocol"]["resize"]
    assert resize["longest"] == WIDEST * resize["short"]


def test_images_without_objects_make_no_part_and_an_epoch_shows_them_too(tmp_path):
    few = planned(tmp_path / "few", Facts(10, 9, 0.5, gpu=True, negatives=20_000))
    assert shares(few) == {"mine-100pct"}
    many = planned(tmp_path / "many", Facts(10_000, 9, 0.5, gpu=True, negatives=10_000))
    assert {steps(job) for job in many.of("finetune")} == {5000, 6250, 62_500}
    assert {steps(job) for job in many.of("pretrain")} == {18_780}


def test_studies_are_made_at_their_own_scale_and_by_name_and_are_in_no_other_ones_way(tmp_path):
    """Other scales have other seeds: of these a study has no random weights."""
    facts = Facts(images=205, most_objects=25, object_side=0.18, gpu=False)
    planned(tmp_path, facts)
    params = tmp_path / "params"
    for split in ("train", "val"):
        (params / f"datasets/yours-{split}.yaml").write_text(PART.format(split=split))
    for path, said in study("yours", "yours-train", "yours-val", "yours-train", facts, seeds=[0]).items():
        write_yaml(params / path, "of a test", said)
    for scale, own in (("mine", {"mine"}), ("yours", {"yours"}), ("demo", set()), ("paper", set())):
        plan = compile_plan(params, scale, "all")
        shown = {job.settings["id"] for kind in ("table", "figure") for job in plan.of(kind)}
        assert shown & {"mine", "yours"} == own and "siamese-voc" in shown
    assert compile_plan(params, "demo", ["mine"]).of("table")
    table = params / "tables/mine.yaml"
    table.write_text(table.read_text().replace("scales: [mine]", "scales: [mime]"))
    with pytest.raises(SettingsError, match=r"tables/mine.yaml: scales: 'mime'.*did you mean 'mine'"):
        compile_plan(params, "demo", "all")
