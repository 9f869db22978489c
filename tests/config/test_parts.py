"""How parts of data sets enter the plan: after the whole, under a name of their own at every scale."""

from pathlib import Path

import pytest
import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.dvc import as_dvc
from sdetr.config.effort import effort
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from sdetr.config.pretraining import pretrain
from sdetr.config.stages import Stages
from tests.config.conftest import ROOT, edit

STAND = "shapes-coco-train-demo-s0"


def stages(params: Path, scale: str) -> Stages:
    return Stages(Plan(scale), Composer(Params(params), scale))


def test_a_part_comes_after_the_whole_and_is_named_after_what_stands_for_it() -> None:
    paper, demo = (stages(ROOT / "params", scale) for scale in ("paper", "demo"))
    for made, stand, split in ((paper, "coco-train2017", "train2017"), (demo, STAND, "train2017")):
        job = made.dataset("coco-train2017-2pct-draw3")
        split = made.compose.whole("coco-train2017").split
        assert job.inputs["whole"] == f"data/raw/{stand}/{split}.json"
        assert job.outputs["index"] == f"data/raw/{stand}-2pct-draw3/{split}.json"
        assert job.outputs["ids"] == f"data/raw/{stand}-2pct-draw3/{split}.ids.txt"
        assert [one.stage for one in made.plan.jobs.values()] == ["data", "subset"]
        assert job.settings["subset"]["of"] == stand
        assert job.settings["subset"]["draw"] == 3


def test_the_papers_number_of_images_is_asked_of_the_papers_data_alone() -> None:
    paper, demo = (stages(ROOT / "params", scale) for scale in ("paper", "demo"))
    assert paper.dataset("voc12-trainval-30pct").settings["subset"]["expected_images"] == 3462
    assert demo.dataset("voc12-trainval-30pct").settings["subset"].get("expected_images") is None


def test_detreg_t2_seed_k_trains_on_draw_k() -> None:
    plan = compile_plan(ROOT / "params", "paper", ["detreg-semi"])
    runs = [job for job in plan.of("finetune") if "1pct" in job.path]
    assert len(runs) == 12
    for job in runs:
        assert job.inputs["train"] == (
            f"data/raw/coco-train2017-1pct-draw{job.settings['seed']}/train2017.json"
        )
        assert plan.maker(job.inputs["train"]).settings["subset"]["draw"] == job.settings["seed"]


@pytest.mark.parametrize(
    "whole, classes, side",
    [
        ("voc0712-trainval", "seen", "without"),
        ("voc0712-trainval", "unseen", "only"),
        ("coco-train2017", "base", "without"),
        ("coco-train2017", "novel", "only"),
    ],
)
def test_classes_are_those_that_the_whole_holds_back(
    params: Path, whole: str, classes: str, side: str
) -> None:
    (params / "datasets/mine.yaml").write_text(f"of: {whole}\nclasses: {classes}\n")
    said = stages(params, "paper").dataset("mine").settings
    held_back = ["cow", "sheep", "cat", "aeroplane"]
    if whole.startswith("coco"):
        held_back = list(Composer(Params(params), "paper").whole(whole).novel)
        assert len(held_back) == 20
    assert said[side] == held_back
    assert {"only", "without"} - {side} - said.keys() == {"only", "without"} - {side}


@pytest.mark.parametrize(
    "whole, classes, field", [("voc0712-trainval", "base", "novel"), ("coco-train2017", "unseen", "unseen")]
)
def test_classes_that_the_whole_does_not_name_are_refused_and_not_taken_for_all(
    params: Path, whole: str, classes: str, field: str
) -> None:
    (params / "datasets/mine.yaml").write_text(f"of: {whole}\nclasses: {classes}\n")
    with pytest.raises(
        SettingsError, match=rf"mine: classes: {classes}, but {whole} does not say .* `{field}:`"
    ):
        stages(params, "paper").dataset("mine")


def test_proposals_of_a_part_are_estimated_by_its_own_number(params: Path) -> None:
    (params / "protocols/mine.yaml").write_text(
        "extends: siamese-imagenet-60e\ndataset: voc12-trainval-10pct\n"
    )
    made = stages(params, "paper")
    pretrain(made, "mine", "siamese", "detr", 0)
    assert any("voc12-trainval-10pct/edgeboxes: 1,154 images" in line for line in effort(made.plan))


def test_the_page_of_a_run_names_the_draw_that_it_trained_on() -> None:
    plan = compile_plan(ROOT / "params", "smoke", ["detreg-semi"])
    for page in plan.of("page"):
        if page.settings["run"].startswith("finetune/detreg-coco-1pct/"):
            said = yaml.safe_dump(page.settings["differences"])
            seed = page.settings["run"].rpartition("seed")[2]
            assert f"1pct-draw{seed}" in said and f"1pct-draw{1 - int(seed)}" not in said


def test_a_part_of_a_part_and_never_of_itself(params: Path) -> None:
    (params / "datasets/voc12-trainval-10pct-b.yaml").write_text("of: voc12-trainval-10pct\nshots: 5\n")
    made = stages(params, "demo")
    job = made.dataset("voc12-trainval-10pct-b")
    assert job.path == "raw/shapes-voc12-trainval-demo-s0-10pct-b"
    assert len(made.plan.jobs) == 3
    edit(params, "datasets/voc12-trainval-10pct.yaml", "of: voc12-trainval", "of: voc12-trainval-10pct-b")
    with pytest.raises(SettingsError, match=r"-10pct-b is part of .*-10pct is part of .*; name a whole one"):
        stages(params, "demo").dataset("voc12-trainval-10pct-b")


@pytest.mark.parametrize(
    "text, said",
    [
        ("of: voc12-trainval\n", "of: voc12-trainval: say which part: listed, classes, share or shots"),
        ("of: voc12-trainval\nshare: 1.5\n", "share: "),
        (
            "of: voc12-trainval\ndrow: 1\n",
            "mine.yaml:2: drow: unknown key; 'drow' is not known, did you mean 'draw'?",
        ),
        (
            "of: voc12-trainvall\nshare: 0.5\n",
            "'voc12-trainvall' is not known, did you mean 'voc12-trainval'?",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(params: Path, text: str, said: str) -> None:
    (params / "datasets/mine.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        stages(params, "paper").dataset("mine")
    assert said in str(error.value)
    assert "mine.yaml" in str(error.value) or "trainvall.yaml" in str(error.value)


def test_dvc_keeps_parts_of_what_we_draw_and_not_of_what_somebody_brought() -> None:
    for scale, kept in (("demo", True), ("paper", False)):
        plan = compile_plan(ROOT / "params", scale, ["siamese-data-efficiency"])
        whole = yaml.safe_load(as_dvc(plan, f"sdetr plan --scale {scale}")["dvc.yaml"])
        outs = whole["stages"]["subset"]["do"]["outs"]
        assert all(isinstance(out, str) for out in outs) is kept
        assert kept or all(settings == {"cache": False} for out in outs for settings in out.values())
