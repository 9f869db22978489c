"""Part of a data set goes through the pipeline: drawn once, trained on, and drawn anew when it is another."""

import json

import pytest

pytestmark = pytest.mark.pipeline

TABLE = "siamese-data-efficiency"
RUN = "data/smoke/finetune/siamese-voc-10pct-50e/conditional/swav_r50/seed0"
PART = "data/raw/shapes-voc12-trainval-smoke-s0-10pct/trainval"


@pytest.fixture(scope="module")
def made(new_project):
    project = new_project(TABLE)
    project.edit(
        "params/scales/smoke.yaml", f"{TABLE}: {{columns: [10pct, all]}}", f"{TABLE}: {{rows: [scratch]}}"
    )
    project.edit("params/scales/smoke.yaml", "rows: [scratch]", "rows: [scratch], columns: [10pct]")
    project.snakemake("--profile", "smoke", "all_tables")
    return project


def test_a_run_saw_the_images_of_its_part_alone(made):
    ids = (made.root / f"{PART}.ids.txt").read_text().split()
    assert len(ids) == 1  # a tenth of twelve images
    record = json.loads((made.root / RUN / "run.json").read_text())
    assert record["inputs"]["train"]["path"] == f"{PART}.json"
    drawn = json.loads((made.root / f"{PART}.record.json").read_text())
    assert drawn["outputs"]["trainval.json"] == record["inputs"]["train"]["sha256"]
    assert (
        "`shapes-voc12-trainval-smoke-s0-10pct` for `voc12-trainval-10pct`"
        in (made.root / f"reports/smoke/tables/{TABLE}.md").read_text()
    )


def test_another_share_is_drawn_anew_and_nothing_else_of_the_data(made):
    assert made.would_run("--profile", "smoke", "all_tables") == set()
    made.edit("params/datasets/voc12-trainval-10pct.yaml", "share: 0.1", "share: 0.2")
    made.snakemake("--profile", "smoke", "all_tables")
    assert len((made.root / f"{PART}.ids.txt").read_text().split()) == 2
    made.edit("params/datasets/voc12-trainval-10pct.yaml", "share: 0.2", "share: 0.3")
    found = made.would_run("--profile", "smoke", "all_tables")
    assert {file for file in found if file.startswith("data/raw")} == {f"{PART}.json"}
    assert f"{RUN}/weights.safetensors" in found
