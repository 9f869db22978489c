"""Part of a data set goes through the pipeline: drawn once, trained on, and drawn anew when it is another."""

import json

import pytest

pytestmark = pytest.mark.pipeline

TABLE = "siamese-data-efficiency"
RUN = "data/smoke/finetune/siamese-voc-10pct-50e/conditional/swav_r50/seed0"
PART = "data/raw/shapes-voc12-trainval-smoke-s0-10pct/trainval"


def test_a_run_saw_the_images_of_its_part_alone(everything):
    ids = (everything.root / f"{PART}.ids.txt").read_text().split()
    assert len(ids) == 1  # a tenth of twelve images
    record = json.loads((everything.root / RUN / "run.json").read_text())
    assert record["inputs"]["train"]["path"] == f"{PART}.json"
    drawn = json.loads((everything.root / f"{PART}.record.json").read_text())
    assert drawn["outputs"]["trainval.json"] == record["inputs"]["train"]["sha256"]
    assert (
        "`shapes-voc12-trainval-smoke-s0-10pct` for `voc12-trainval-10pct`"
        in (everything.root / f"reports/smoke/tables/{TABLE}.md").read_text()
    )


def test_another_share_is_drawn_anew_and_nothing_else_of_the_data(all_made):
    all_made.edit("params/datasets/voc12-trainval-10pct.yaml", "share: 0.1", "share: 0.2")
    all_made.snakemake("--profile", "smoke", f"{RUN}/metrics.json")
    assert len((all_made.root / f"{PART}.ids.txt").read_text().split()) == 2
    all_made.edit("params/datasets/voc12-trainval-10pct.yaml", "share: 0.2", "share: 0.3")
    found = all_made.would_run("--profile", "smoke", "all_tables")
    assert {file for file in found if file.startswith("data/raw")} == {f"{PART}.json"}
    assert f"{RUN}/weights.safetensors" in found
