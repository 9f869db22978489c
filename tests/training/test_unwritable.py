"""Data that may only be read are enough; a place that takes no result is named before it is computed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mounting import read_only

ROOT = Path(__file__).parents[2]
RUN = "finetune/proto/conditional/tiny/seed0"
Write = Callable[[Path, dict[str, Any]], Path]


def trained(before: list[str], settings: Path, init: Path, out: Path) -> subprocess.CompletedProcess[str]:
    words = ["train", f"--settings={settings}", f"--init={init}", f"--out={out}", "--device=cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [*before, sys.executable, "-m", "sdetr", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def test_fault_52_images_indexes_and_weights_may_lie_where_nobody_can_write(
    rectangles: Path, finetune_settings: dict[str, Any], backbone_file: Path, tmp_path: Path, as_yaml: Write
) -> None:
    settings = as_yaml(tmp_path / "s.yaml", finetune_settings)
    assert backbone_file.is_relative_to(rectangles)
    done = trained(read_only(rectangles), settings, backbone_file, tmp_path / "demo" / RUN)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo" / RUN / "run.json").exists()


@pytest.mark.parametrize("place", ["finetune", "state"])
def test_fault_52_a_place_that_takes_no_result_is_named_before_anything_is_computed(
    finetune_settings: dict[str, Any], backbone_file: Path, tmp_path: Path, as_yaml: Write, place: str
) -> None:
    settings = as_yaml(tmp_path / "s.yaml", finetune_settings)
    (tmp_path / "demo" / place).mkdir(parents=True)
    out = tmp_path / "demo" / RUN
    done = trained(read_only(tmp_path / "demo" / place), settings, backbone_file, out)
    where = out.parent if place == "finetune" else tmp_path / "demo" / "state" / RUN
    assert done.returncode == 2, done.stderr
    said = f"sdetr train: cannot write in {where}: Read-only file system; nothing was computed"
    assert said in done.stderr.splitlines()[-1]
    assert "training Detection" not in done.stderr and "starts" not in done.stderr
