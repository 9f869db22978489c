"""The protocols of params/ at scale paper: what was published, and which detector is trained by which."""

from pathlib import Path

import pytest

from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.training.settings import FinetuneRun

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

TRAINED_BY = {
    "detr": "detr-coco-500e",
    "detr-prenorm": "detr-coco-300e",
    "conditional": "conditional-coco-50e",
    "conditional-300q": "conditional-coco-50e",
    "deformable_ss": "deformable-coco-50e",
    "deformable": "deformable-coco-50e",
    "deformable_refine": "deformable-coco-50e",
    "deformable_two_stage": "deformable-coco-50e",
    "dab": "dab-coco-50e",
    "dab-3patterns": "dab-coco-50e",
    "dab_deformable": "dab-coco-50e",
    "dn_dab": "dab-coco-50e",
    "dn_dab_deformable": "dab-coco-50e",
}


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


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_number_of_a_schedule_has_a_source(name: str) -> None:
    cited = set(PARAMS.resolve("protocols", name).sources)
    assert {"epochs", "drop", "batch", "lr", "lr_backbone", "augment"} <= cited


def test_the_table_of_detectors_trains_each_as_published_and_slows_points_where_that_was() -> None:
    plan = compile_plan(PARAMS.root, "paper", ["detectors"])
    runs = {tuple(job.path.split("/")[1:4]): job.settings for job in plan.of("finetune")}
    slowed = set()
    for model, protocol in TRAINED_BY.items():
        said = FinetuneRun.model_validate(runs[protocol, model, "supervised_r50"]).protocol
        assert said == PAPER.finetuning(protocol, {})
        slowed |= {model} if said.lr_factor_points != 1 else set()
    assert slowed == {"deformable_ss", "deformable", "deformable_refine", "deformable_two_stage"}


def test_at_an_embedded_scale_points_stay_as_much_slower() -> None:
    for scale in ("demo", "smoke"):
        assert Composer(PARAMS, scale).finetuning("deformable-coco-50e", {}).lr_factor_points == 0.1
