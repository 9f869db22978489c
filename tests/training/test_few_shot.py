"""Two trainings, one after the other: base classes, then a few objects of all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.evaluation.stage import evaluate_run
from sdetr.interop.weights import read_weights
from sdetr.training.finetune import detection_of, finetune
from sdetr.training.settings import FinetuneRun

Write = Callable[[Path, dict[str, Any]], Path]
HEAD = "class_head."


@pytest.fixture
def base(tmp_path: Path, finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Write) -> Path:
    """Weights of a detector that never saw the third class, by an index that names it nonetheless."""
    whole = Path(finetune_settings["train"])
    index = json.loads(whole.read_text())
    index["info"]["root"] = str(whole.parent)
    index["annotations"] = [row for row in index["annotations"] if row["category_id"] != 2]
    (tmp_path / "base.json").write_text(json.dumps(index))
    said = finetune_settings | {"train": str(tmp_path / "base.json")}
    said["protocol"] = said["protocol"] | {"lr": 1e-2}  # enough to see what was learned
    out = tmp_path / "demo/finetune/base/conditional/tiny/seed0"
    finetune(as_yaml(tmp_path / "base.yaml", said), backbone_file, out, "cpu")
    return out / "weights.safetensors"


def test_detreg_t34_novel_classes_are_learned_after_base_ones_by_a_new_class_head(
    tmp_path: Path, base: Path, finetune_settings: dict[str, Any], as_yaml: Write
) -> None:
    said = finetune_settings | {"fresh": [HEAD]}
    said["protocol"] = said["protocol"] | {
        "novel": True,
        "lr": 1e-9,
        "lr_backbone": 0.0,
        "epochs": 1,
        "drop": [],
    }
    del said["protocol"]["ema"]
    out = tmp_path / "demo/finetune/shots/conditional/tiny+base/seed0"
    finetune(as_yaml(tmp_path / "shots.yaml", said), base, out, "cpu")

    learned, _ = read_weights(base)
    found, _ = read_weights(out / "weights.safetensors")
    drawn = detection_of(FinetuneRun.model_validate(said), 3, None, torch.device("cpu")).detector.state_dict()
    assert found.keys() == learned.keys()
    heads = [key for key in found if key.startswith(HEAD)]
    assert heads
    for key, value in found.items():  # a rate of 1e-9 moves nothing that could be seen
        assert torch.allclose(value, drawn[key] if key in heads else learned[key], atol=1e-6), key
    assert not any(torch.allclose(found[key], learned[key], atol=1e-3) for key in heads)

    settings = {"stage": "evaluate", "recipe": 1, "test": said["test"], "novel": ["blue"], "resamples": 5}
    evaluate_run(
        as_yaml(tmp_path / "how.yaml", settings), out / "predictions.json", tmp_path / "metrics.json"
    )
    result = json.loads((tmp_path / "metrics.json").read_text())
    assert result["metrics"]["AP-novel"] == result["per_class"]["blue"]
