"""Who batches images of alike shape: the papers' scale does, the embedded ones do not."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.settings import AS_DRAWN, BucketSettings
from sdetr.models.settings import TrunkSettings

PARAMS = Params(Path(__file__).parents[2] / "params")
STRIDE = 32


def test_every_training_at_the_papers_scale_batches_images_of_alike_shape_in_whole_cells() -> None:
    composer = Composer(PARAMS, "paper")
    for name in PARAMS.names("protocols"):
        task = composer.task(name)
        if task in ("detection", "pretrain"):
            settings = (composer.finetuning if task == "detection" else composer.pretraining)(name, {})
            assert settings.buckets.pool > 1 and settings.buckets.multiple_px % STRIDE == 0
            assert settings.buckets.shapes is not None and settings.buckets.shapes <= 80


@pytest.mark.parametrize("scale", ["demo", "smoke", "demo-pretexts"])
def test_embedded_scales_train_on_batches_as_they_are_drawn(scale: str) -> None:
    runs = [
        job for job in compile_plan(PARAMS.root, scale).jobs.values() if job.stage in ("pretrain", "finetune")
    ]
    assert runs and not any("buckets" in job.settings["protocol"] for job in runs)


def test_the_stride_is_that_of_the_deepest_backbone() -> None:
    from sdetr.models.backbone import ResNet

    assert ResNet(TrunkSettings(arch="resnet18", stages=4)).strides[-1] == STRIDE


def test_unset_buckets_are_none() -> None:
    assert BucketSettings() == AS_DRAWN == BucketSettings(pool=1, multiple_px=1, shapes=None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pool": 0}, r"pool\n.*greater than or equal to 1"),
        ({"multiple_px": 0}, r"multiple_px\n.*greater than or equal to 1"),
        ({"multiple_px": 32.0}, r"multiple_px\n.*valid integer"),
        ({"shapes": 0}, r"shapes\n.*greater than or equal to 1"),
        ({"shape": 64}, r"shape\n.*not permitted"),
    ],
)
def test_what_means_nothing_is_refused_by_name(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BucketSettings.model_validate(wrong)
