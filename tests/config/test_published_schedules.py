"""The protocols of params/ at scale paper: what was published, and which detector is trained by which."""

from pathlib import Path

import pytest

from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.training.settings import FinetuneRun, ProtocolSettings

PARAMS = Params(Path(__file__).parents[2] / "params")
PAPER = Composer(PARAMS, "paper")
COCO, VOC = ("coco-train2017", "coco-val2017"), ("voc12-trainval", "voc07-test")

# protocol: data, epochs, drops, batch, lr of everything else, of the backbone, of what says where to look
PUBLISHED = {
    "detr-coco-300e": (COCO, 300, (200,), 16, 1e-4, 1e-5, 1e-4),
    "detr-coco-500e": (COCO, 500, (400,), 16, 1e-4, 1e-5, 1e-4),
    "conditional-coco-50e": (COCO, 50, (40,), 16, 1e-4, 1e-5, 1e-4),
    "deformable-coco-50e": (COCO, 50, (40,), 32, 2e-4, 2e-5, 2e-5),
    "dab-coco-50e": (COCO, 50, (40,), 16, 1e-4, 1e-5, 1e-4),
    "siamese-coco-vanilla-150e": (COCO, 150, (100,), 32, 1e-4, 5e-5, 1e-4),
    "siamese-coco-conditional-50e": (COCO, 50, (40,), 16, 1e-4, 5e-5, 1e-4),
    "siamese-coco-deformable-50e": (COCO, 50, (40,), 32, 2e-4, 2e-5, 2e-5),
    "siamese-voc-vanilla-50e": (VOC, 50, (40,), 32, 1e-4, 5e-5, 1e-4),
    "siamese-voc-conditional-50e": (VOC, 50, (40,), 16, 1e-4, 5e-5, 1e-4),
    "siamese-voc-deformable-50e": (VOC, 50, (40,), 32, 2e-4, 2e-5, 2e-5),
    "siamese-voc-dab-50e": (VOC, 50, (40,), 16, 1e-4, 1e-5, 1e-4),
}


def finetuning() -> list[str]:
    layers = {name: PARAMS.resolve("protocols", name) for name in PARAMS.names("protocols")}
    return [name for name, layer in layers.items() if layer.values["task"] == "detection"]


def test_every_protocol_that_fine_tunes_is_written_down_here() -> None:
    assert set(finetuning()) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_schedule_is_the_published_one(name: str) -> None:
    p = PAPER.finetuning(name, {})
    found = ((p.dataset, p.test), p.epochs, p.drop, p.batch, p.lr, p.lr_backbone)
    assert (*found, pytest.approx(p.lr * p.lr_factor_points)) == PUBLISHED[name]
    assert (p.weight_decay, p.clip, p.warmup_steps, p.ema) == (1e-4, 0.1, 0, None)
    assert p.max_detections == 100
    assert p.evaluate_every == (5 if p.dataset.startswith("coco") else 1)


@pytest.mark.parametrize("name", PUBLISHED)
def test_images_are_augmented_as_detr_does(name: str) -> None:
    p = PAPER.finetuning(name, {})
    assert p.augment.flip == 0.5 and p.augment.crop is not None
    assert p.augment.short == tuple(range(480, 801, 32)) and p.augment.longest == 1333
    assert (p.augment.crop.probability, p.augment.crop.short) == (0.5, (400, 500, 600))
    assert p.augment.crop.side == (384, 600)
    assert (p.resize.short, p.resize.longest) == (800, 1333)


def test_every_number_of_a_schedule_has_a_source() -> None:
    for name in finetuning():
        cited = set(PARAMS.resolve("protocols", name).sources)
        assert {"epochs", "drop", "batch", "lr", "lr_backbone", "augment"} <= cited, name


def protocols_of_table() -> dict[str, ProtocolSettings]:
    """Model → the schedule that the table of detectors trains it by, as a run has it."""
    plan = compile_plan(PARAMS.root, "paper", ["detectors"])
    runs = {job.path.split("/")[2]: FinetuneRun.model_validate(job.settings) for job in plan.of("finetune")}
    return {model: run.protocol for model, run in runs.items()}


def test_the_table_of_detectors_has_all_of_them_and_slows_points_where_it_was_published() -> None:
    protocols = protocols_of_table()
    assert set(protocols) == set(PARAMS.names("models"))
    slowed = {model for model, protocol in protocols.items() if protocol.lr_factor_points != 1}
    assert slowed == {"deformable_ss", "deformable", "deformable_refine", "deformable_two_stage"}
    assert {model for model, protocol in protocols.items() if protocol.lr == 2e-4} == slowed
    assert {protocols["detr"].epochs, protocols["detr-prenorm"].epochs} == {500, 300}


def test_at_an_embedded_scale_points_stay_as_much_slower() -> None:
    for scale in ("demo", "smoke"):
        assert Composer(PARAMS, scale).finetuning("deformable-coco-50e", {}).lr_factor_points == 0.1
