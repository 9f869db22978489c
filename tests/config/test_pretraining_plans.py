"""What pretrainings are planned with, at scale paper."""

from pathlib import Path

import pytest

from sdetr.config.experiment import Composer
from sdetr.config.job import Job
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from sdetr.config.pretraining import pretrain
from sdetr.config.stages import Stages
from sdetr.training.settings import PretrainProtocolSettings

PARAMS = Params(Path(__file__).parents[2] / "params")
PAPER = Composer(PARAMS, "paper")
SCALES = (320, 336, 352, 368, 400, 416, 432, 448, 464, 480)
PROTOCOLS = [
    name
    for name in PARAMS.names("protocols")
    if PARAMS.resolve("protocols", name).values["task"] == "pretrain"
]


def job(params: Params, protocol: str, pretext: str, model: str) -> Job:
    return pretrain(Stages(Plan("paper"), Composer(params, "paper")), protocol, pretext, model, 0)


@pytest.mark.parametrize("model", ["deformable", "detr"])
@pytest.mark.parametrize("backbone", ["swav_r50", "supervised_r50", "supervised_r101"])
def test_detreg_t16_swav_says_how_boxes_look_whatever_the_detector_starts_from(
    params: Path, model: str, backbone: str
) -> None:
    (params / "protocols/mine.yaml").write_text(f"extends: detreg-in100-50e\nbackbone: {backbone}\n")
    found = job(Params(params), "mine", "detreg", model)
    assert found.inputs["init"] == f"data/paper/backbones/{backbone}.safetensors"
    assert found.inputs["target"] == "data/paper/backbones/swav_r50.safetensors"
    assert found.settings["pretext"]["target_stage"] == 2


@pytest.mark.parametrize("name", PROTOCOLS)
def test_updetr_t21_384_is_no_size_of_a_pretraining(name: str) -> None:
    found = PAPER.pretraining(name, {})
    assert isinstance(found, PretrainProtocolSettings)
    expected = (tuple(range(480, 801, 32)), 1333) if name == "siamese-coco-60e" else (SCALES, 600)
    assert (found.short, found.longest) == expected


@pytest.mark.parametrize(
    "pretext", ["siamese", "siamese-random-boxes", "updetr", "detreg", "detreg-random-k"]
)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_only_views_of_imagenet_come_again(name: str, pretext: str) -> None:
    facts = PAPER.pretraining_facts("detr", name, pretext)
    views, schedule = PAPER.views(PAPER.pretext(pretext, facts).views, facts), PAPER.pretraining(name, facts)
    if schedule.dataset == "imagenet-train":
        assert views.draws == 8
    else:
        assert views.draws >= schedule.epochs


# epochs, drop, batch, lr, of the backbone, of what says where to look
PUBLISHED = {
    "siamese-imagenet-60e": (60, (40,), 256, 1e-4, 0.0, 1.0),
    "siamese-coco-60e": (60, (40,), 64, 1e-4, 0.0, 1.0),
    "updetr-imagenet-60e": (60, (40,), 256, 1e-4, 0.0, 1.0),
    "updetr-imagenet-15e": (15, (10,), 256, 1e-4, 0.0, 1.0),
    "updetr-imagenet-15e-open": (15, (10,), 256, 1e-4, 1e-4, 1.0),
    "detreg-in100-50e": (50, (40,), 224, 2e-4, 0.0, 0.1),
    "detreg-in100-50e-open": (50, (40,), 224, 2e-4, 2e-5, 0.1),
    "detreg-coco-50e": (50, (40,), 192, 2e-4, 0.0, 0.1),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_pretraining_is_the_published_one(name: str) -> None:
    p = PAPER.pretraining(name, {})
    assert (p.epochs, p.drop, p.batch, p.lr, p.lr_backbone, p.lr_factor_points) == PUBLISHED[name]
    assert (p.weight_decay, p.clip, p.warmup_steps, p.ema, p.backbone) == (1e-4, 0.1, 0, None, "swav_r50")
