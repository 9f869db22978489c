"""All tables and figures at scale smoke, from nothing, by one command."""

import json

import pytest

from sdetr.config.compile import compile_plan

pytestmark = pytest.mark.pipeline

ALL = ("--profile", "smoke", "all_tables")


@pytest.fixture(scope="module")
def plan(everything):
    return compile_plan(everything.root / "params", "smoke", "all")


def test_every_output_of_the_plan_is_there_and_nothing_is_left_to_do(everything, plan):
    for kind in ("table", "figure"):
        declared = {path.stem for path in (everything.root / f"params/{kind}s").glob("*.yaml")}
        assert {job.settings["id"] for job in plan.of(kind)} == declared
    outputs = {file for job in plan.jobs.values() for file in job.outputs.values()}
    assert not [file for file in outputs if not (everything.root / file).exists()]
    assert "Nothing to be done" in everything.snakemake("-n", *ALL)


def test_every_cell_that_is_made_has_a_number_for_each_of_its_runs(everything, plan):
    for job in plan.of("table"):
        told = json.loads((everything.root / job.outputs["json"]).read_text())
        assert any(cell["runs"] for cell in told["cells"])
        for cell in told["cells"]:
            planned = job.settings["cells"].get(cell["row"], {}).get(cell["column"], [])
            assert cell["runs"] == [run["run"] for run in planned], f"{job.path}: {cell}"
            counted = {told["n"] for told in cell["metrics"].values()} - {0}
            assert counted == ({len(planned)} if planned else set()), f"{job.path}: {cell}"


def test_the_share_of_the_time_that_was_no_training_is_told(everything):
    said = everything.run("sdetr", "times", "--scale", "smoke", "--tables", "all", "--cores", "2")
    assert "of that was no training" in said
