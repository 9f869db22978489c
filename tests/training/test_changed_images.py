"""Images are no inputs themselves, but a result of some images and of others is of nothing."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdetr.training import finetune
from sdetr.training.paths import run_path

RUN = "finetune/proto/conditional/tiny/seed0"


@pytest.mark.parametrize("change", ["other", "gone"])
def test_fault_50_images_that_change_while_a_run_trains_keep_it_from_finishing(
    rectangles: Path,
    finetune_settings: dict[str, Any],
    backbone_file: Path,
    tmp_path: Path,
    as_yaml: Any,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    shutil.copytree(rectangles / "raw", tmp_path / "raw")
    for split in ("train", "test"):
        finetune_settings[split] = str(tmp_path / f"raw/rectangles/{split}.json")
    settings, out = as_yaml(tmp_path / "settings.yaml", finetune_settings), tmp_path / "demo" / RUN
    image, trains = tmp_path / "raw/rectangles/train/3.png", finetune.train
    before = image.read_bytes()

    def meanwhile(*words: Any) -> Any:
        trained = trains(*words)
        image.unlink()
        if change == "other":
            Image.effect_noise((48, 32), 60).save(image)
        return trained

    with monkeypatch.context() as patched:
        patched.setattr(finetune, "train", meanwhile)
        with pytest.raises(
            ValueError, match=r"rectangles/train\.json \(train\) lists changed while this ran"
        ):
            finetune.finetune(settings, backbone_file, out, "cpu")
    assert not (out / "run.json").exists()
    if change == "gone":  # put back, nothing is trained a second time
        image.write_bytes(before)
    finetune.finetune(settings, backbone_file, out, "cpu")
    starts = json.loads((out / "run.json").read_text())["starts"]
    assert [start["step"] for start in starts] == ([0, 6] if change == "gone" else [0])
    scale, path = run_path(out, words=5)
    assert (scale / "state" / path / "superseded-1").exists() == (change == "other")
