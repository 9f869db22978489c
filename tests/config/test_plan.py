"""The plan: every job of every scale, each after what it reads."""

import subprocess
import sys

import pytest

from sdetr.config.compile import compile_plan
from sdetr.config.job import STAGES
from sdetr.config.layers import Params
from sdetr.config.listing import as_json, as_text
from sdetr.config.schema import schemas
from tests.config.conftest import ROOT

SCALES = Params(ROOT / "params").names("scales")


@pytest.mark.parametrize("scale", SCALES)
def test_every_table_compiles_at_every_scale(scale):
    plan = compile_plan(ROOT / "params", scale)
    stages = {job.stage for job in plan.jobs.values()}
    # Features are made ahead where a scale says so, and rehearsals are of studies alone.
    assert stages | {"features"} == set(STAGES) - {"rehearse"}
    assert {f"tables/{name}" for name in Params(ROOT / "params").names("tables")} <= set(plan.jobs)


@pytest.mark.parametrize("scale", SCALES)
def test_what_a_job_reads_was_made_by_a_job_before_it(scale):
    made: set[str] = set()
    for job in compile_plan(ROOT / "params", scale).jobs.values():
        assert {file for slot, file in job.inputs.items() if slot != "settings"} <= made, job.path
        assert not made & set(job.outputs.values()), job.path
        made |= set(job.outputs.values())


@pytest.mark.parametrize("scale", SCALES)
def test_paths_are_words_that_every_engine_takes(scale):
    for job in compile_plan(ROOT / "params", scale).jobs.values():
        assert all(
            set(word) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-~+.") for word in job.path.split("/")
        )


def test_listings_hold_every_job():
    plan = compile_plan(ROOT / "params", "demo")
    assert all(path in as_text(plan) for path in plan.jobs)
    few = as_text(plan, whole=False)
    for stage in STAGES:
        paths = [job.path for job in plan.of(stage)]
        listed = sum(f"  {path}" in few.splitlines() for path in paths)
        assert listed == (len(paths) if len(paths) <= 8 else 3), stage
        assert len(paths) <= 8 or f"… and {len(paths) - 3} more: --jobs lists all" in few
    assert {job["path"] for job in as_json(plan)["jobs"]} == set(plan.jobs)


def test_schemas_for_editors_are_current():
    for name, text in schemas().items():
        assert (ROOT / "params/schemas" / name).read_text() == text, "run `uv run sdetr schema`"


@pytest.mark.parametrize(
    "module",
    [
        "sdetr.config",
        "sdetr.config.compile",
        "sdetr.cli",
        "sdetr.evaluation.stage",
        "sdetr.report.table",
        "sdetr.report.run_page",
    ],
)
def test_planning_evaluating_and_tables_import_no_torch(module):
    heavy = {"torch", "torchvision", "mlflow", "snakemake"}
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == ""
