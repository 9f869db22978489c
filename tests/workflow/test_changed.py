"""Labels that are mended, and images that come, reach a study; what is as it was is not made again."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdetr.data.embedded.classes import VOC_LIKE
from sdetr.data.embedded.write_coco import write_coco
from tests.workflow.conftest import Project
from tests.workflow.test_study import scenes

pytestmark = pytest.mark.pipeline

WHOLE, PART = "data/raw/mine-train/train.json", "data/raw/mine-train-10pct-draw0/train.json"
ASKED = ("--profile", "demo", "--config", "scale=mine", "tables=mine", "--", PART)


def boxes(project: Project) -> int:
    return len(json.loads((project.root / WHOLE).read_text())["annotations"])


def test_mended_labels_reach_a_study_and_touched_ones_change_nothing(
    new_project: Callable[..., Project], tmp_path: Path
) -> None:
    project, mine = new_project("updetr-patches"), tmp_path / "mine"
    for split, count in (("train", 100), ("val", 8)):
        write_coco(mine, scenes(count, split, seed=1), VOC_LIKE[:3], split)
    project.run("sdetr", "data", "add", "mine", str(mine))
    project.run("sdetr", "init", "mine", "--cpu")
    project.snakemake(*ASKED)
    before, drawn = boxes(project), (project.root / PART).stat().st_mtime_ns
    assert not project.would_run(*ASKED)

    labels = mine / "annotations/instances_train2017.json"
    os.utime(labels)
    assert not project.would_run(*ASKED)

    content = json.loads(labels.read_text())
    content["annotations"].pop()
    labels.write_text(json.dumps(content))
    said = project.snakemake(*ASKED)
    assert "raw/mine-train: its files were changed since its index was made" in said
    assert boxes(project) == before - 1 and (project.root / PART).stat().st_mtime_ns > drawn
    assert not project.would_run(*ASKED)
