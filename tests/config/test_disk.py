"""Bytes that are said beforehand are about those that are written."""

import numpy as np
import pytest
import torch

from sdetr.config.compile import compile_plan
from sdetr.config.disk import BYTES_OF_AN_ANSWER, PARAMETERS, VIEW_BYTES, bytes_of, images_of
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.evaluation.predictions import write_predictions
from sdetr.models.detector import Detector
from sdetr.views.crops import Cropped
from sdetr.views.crops_store import write_crops
from sdetr.views.pairs import Pair
from sdetr.views.store import write_plan
from tests.config.conftest import ROOT

VIEWS = 2000
PARAMS = Params(ROOT / "params")


def test_parameters_are_those_of_the_detectors():
    composer = Composer(PARAMS, "paper")
    trunk = composer.backbone("supervised_r50").trunk
    names = [name for name in PARAMS.names("models") if name in PARAMETERS]
    assert {composer.model(name, {}).variant for name in names} == set(PARAMETERS)
    for name in names:
        settings = composer.model(name, {"model": (name,)})
        with torch.device("meta"):
            found = sum(parameter.numel() for parameter in Detector(settings, trunk, 91).parameters())
        assert PARAMETERS[settings.variant] == pytest.approx(found, rel=0.01), name


@pytest.mark.parametrize("regions", [10, 30])
@pytest.mark.parametrize("kind", VIEW_BYTES)
def test_planned_views_take_what_was_said(kind, regions, tmp_path):
    rng = np.random.default_rng(0)

    def px(*shape: int):
        return (500 * rng.random(shape)).astype(np.float32)

    def size():
        return int(rng.integers(300, 500)), int(rng.integers(300, 500))

    if kind == "pairs":
        pairs = [Pair(i, bool(i % 2), size(), size(), px(2, 4), px(regions, 4)) for i in range(VIEWS)]
        write_plan(tmp_path / "plan", [pairs], regions, {})
    else:
        window = rng.integers(0, 500, (VIEWS, 4)).astype(np.int32)
        boxes = [np.rint(px(regions, 4)) for _ in range(VIEWS)]
        some = enumerate(zip(window, boxes, strict=True))
        crops = [Cropped(i, bool(i % 2), size(), w, size(), box, px(regions, 4)) for i, (w, box) in some]
        write_crops(tmp_path / "plan", [crops], {})
    view, region = VIEW_BYTES[kind]
    assert (tmp_path / "plan").stat().st_size / VIEWS == pytest.approx(view + regions * region, rel=0.15)


def test_answers_take_what_was_said(tmp_path):
    rng, count = np.random.default_rng(0), 5000
    predictions = {
        "dataset": "voc07-test",
        "classes": [f"class{n}" for n in range(20)],
        "image_id": np.repeat(np.arange(count // 100), 100),
        "label": rng.integers(0, 20, count),
        "box_xywh_px": (500 * rng.random((count, 4))).astype(np.float32),
        "score": rng.random(count).astype(np.float32),
    }
    write_predictions(tmp_path / "predictions.json", predictions)
    size = (tmp_path / "predictions.json").stat().st_size / count
    assert size == pytest.approx(BYTES_OF_AN_ANSWER, rel=0.1)


def test_images_are_those_that_the_papers_count_that_we_draw_or_about_those_of_some_classes():
    tables = ["siamese-voc", "detreg-proposals"]
    paper, demo = (compile_plan(ROOT / "params", scale, tables) for scale in ("paper", "demo"))
    counts = {job.settings["name"]: images_of(paper, job.outputs["index"]) for job in paper.of("data")}
    assert (counts["imagenet-train"], counts["voc12-trainval"]) == (1281167, 11540)
    assert counts["imagenet100-train"] == pytest.approx(125_000, rel=0.05)  # arXiv:2106.04550 §4
    drawn = {job.settings["name"]: images_of(demo, job.outputs["index"]) for job in demo.of("data")}
    assert drawn["shapes-voc12-trainval-demo-s0"] == 100


def test_sizes_that_nobody_published_are_not_guessed():
    plan = compile_plan(ROOT / "params", "demo", ["siamese-voc"])
    assert {bytes_of(plan, job) for job in plan.of("finetune")} == {None}
    assert all(bytes_of(plan, job) for job in plan.of("views"))


def test_a_part_of_what_we_draw_has_its_share():
    plan = compile_plan(ROOT / "params", "demo", ["siamese-data-efficiency"])
    whole = images_of(plan, plan.jobs["raw/shapes-voc12-trainval-demo-s0"].outputs["index"])
    parts = {
        job.settings["subset"]["share"]: images_of(plan, job.outputs["index"]) for job in plan.of("subset")
    }
    assert whole and parts == {share: round(share * whole) for share in parts} and len(parts) > 1


def test_one_shot_answers_are_of_every_question():
    one_shot, detection = (
        compile_plan(ROOT / "params", "paper", [table]) for table in ("updetr-oneshot", "updetr-voc")
    )
    sizes = [bytes_of(plan, plan.of("finetune")[0]) for plan in (one_shot, detection)]
    assert sizes[0] - sizes[1] == pytest.approx(4952 * 100 * BYTES_OF_AN_ANSWER * (5 * 1.4 - 1))
