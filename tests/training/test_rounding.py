"""A processor that would be slower for it refuses to round a frozen backbone, where one would be rounded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.training.finetune import finetune

Write = Callable[[Path, dict[str, Any]], Path]


@pytest.fixture
def plain_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for feature in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, feature, lambda: False)


@pytest.fixture
def tune(
    tmp_path: Path,
    finetune_settings: dict[str, Any],
    backbone_file: Path,
    as_yaml: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[float], None]:
    """Begins a fine-tuning with a learning rate of the backbone; InterruptedError is its first step."""

    def stopped(objective: Any, *_: object) -> None:
        raise InterruptedError(f"rounded on {sorted(objective.detector.rounded_on)}")

    def run(lr_backbone: float) -> None:
        protocol = {"lr_backbone": lr_backbone, "bfloat16": "frozen_anywhere"}
        finetune_settings["protocol"] |= protocol
        settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
        finetune(settings, backbone_file, tmp_path / "demo/finetune/proto/model/start/seed0", "cpu")

    monkeypatch.setattr("sdetr.training.finetune.train", stopped)
    return run


@pytest.mark.usefixtures("plain_cpu")
def test_a_backbone_that_learns_is_not_rounded_and_nothing_is_refused(tune: Callable[[float], None]) -> None:
    with pytest.raises(InterruptedError, match=r"rounded on \[\]"):
        tune(1e-5)


@pytest.mark.usefixtures("plain_cpu")
def test_a_frozen_one_is_refused(tune: Callable[[float], None]) -> None:
    with pytest.raises(ValueError, match="neither AVX512-BF16 nor AMX and would be slower"):
        tune(0.0)


def test_a_processor_that_is_faster_for_it_rounds(
    tune: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    with pytest.raises(InterruptedError, match=r"rounded on \['cpu', 'cuda'\]"):
        tune(0.0)
