"""Cells that a paper leaves blank: planned at no scale, until somebody asks for one by its name."""

import pytest
import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.dvc import ITEMS, as_dvc
from sdetr.report.page_settings import PageRun
from sdetr.report.settings import TableRun
from tests.config.conftest import ROOT, edit

TABLE = "siamese-coco"
ASKED = f"{TABLE}.detreg.conditional"


def settings(params, cells=(), scale="smoke"):
    return compile_plan(params, scale, [TABLE], cells).jobs[f"tables/{TABLE}"].settings


@pytest.fixture
def blank(params):
    edit(
        params,
        f"tables/{TABLE}.yaml",
        "  detreg: [conditional-300q,",
        "  detreg: [conditional, conditional-300q,",
    )
    return params


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_a_blank_cell_is_planned_only_where_it_is_asked_for(blank, scale):
    without = settings(ROOT / "params", scale=scale)["cells"]
    before = settings(blank, scale=scale)
    assert "conditional" in without["detreg"] and "conditional" not in before["cells"]["detreg"]
    assert "conditional" in before["on_request"]["detreg"]
    after = settings(blank, [ASKED], scale)
    assert after["cells"] == without
    assert "conditional" not in after.get("on_request", {}).get("detreg", [])


def test_a_cell_that_was_asked_for_brings_what_it_rests_on_and_nothing_else():
    name = f"{TABLE}.detreg.conditional-300q"
    plans = [compile_plan(ROOT / "params", "paper", [TABLE], cells) for cells in ((), [name])]
    before, after = ({job.path for job in plan.jobs.values()} for plan in plans)
    new = {path.partition("/")[0] for path in after - before}
    assert before < after and new == {"pretrain", "finetune", "runs"}
    assert all(
        "detreg/conditional-300q" in path or "conditional-300q/detreg" in path for path in after - before
    )
    table = plans[1].jobs[f"tables/{TABLE}"]
    assert table.settings["cells"]["detreg"].keys() > {"conditional-300q"}
    assert table.settings["on_request"]["detreg"] == ["deformable_ss"]
    assert "detreg.conditional-300q.0.resamples" in table.inputs


def test_what_a_blank_cell_alone_rests_on_is_made_again_by_a_command_that_names_the_cell():
    name = f"{TABLE}.detreg.conditional-300q"
    plan = compile_plan(ROOT / "params", "paper", [TABLE], [name])
    pages = {job.path: PageRun.model_validate(job.settings).again for job in plan.of("page")}
    asked = {path for path, again in pages.items() if again.cells == (name,)}
    assert {path.split("/")[1] for path in asked} == {"pretrain", "finetune"}
    assert asked == {path for path in pages if "detreg" in path and "conditional-300q" in path}
    assert {again.cells for again in pages.values()} == {(), (name,)}
    again = TableRun.model_validate(plan.jobs[f"tables/{TABLE}"].settings).again
    assert again.command("a.json") == (
        f"snakemake --profile local all_tables --forcerun a.json --config scale=paper tables=all cells={name}"
    )


def test_what_is_planned_anyway_may_be_asked_for_and_stays_as_it_is():
    plans = [compile_plan(ROOT / "params", "smoke", [TABLE], cells) for cells in ((), [ASKED])]
    assert plans[0].jobs == plans[1].jobs


def test_dvc_plans_the_cell_by_the_same_command(blank):
    plan = compile_plan(blank, "smoke", [TABLE], [ASKED])
    command = f"sdetr plan --scale smoke --table {TABLE} --cell {ASKED}"
    files = as_dvc(plan, command)
    stage = yaml.safe_load(files["dvc.yaml"])["stages"]["plan"]
    assert stage["cmd"] == f"{command} --check"
    (run,) = settings(blank, [ASKED])["cells"]["detreg"]["conditional"]
    assert run["run"].removeprefix("data/smoke/") in yaml.safe_load(files[ITEMS])["finetune"]


@pytest.mark.parametrize(
    "cell, wrong",
    [
        ("siamese-coco.detreg", r"cell 'siamese-coco\.detreg': expected <table>\.<row>\.<column>"),
        ("siamese-voc.detreg.conditional", "this plan has the tables siamese-coco; ask for siamese-voc too"),
        ("siamese-coco.dtreg.conditional", "table siamese-coco: row 'dtreg'.*did you mean 'detreg'"),
        (
            "siamese-coco.detreg.cnditional",
            "table siamese-coco: column 'cnditional'.*did you mean 'conditional'",
        ),
        ("siamese-coco.supervised.conditional", "row supervised belongs to detr alone"),
        ("siamese-coco.detreg.deformable_ss", "scale smoke makes no column deformable_ss, only detr"),
    ],
)
def test_a_request_that_nothing_can_answer_is_refused_before_any_job(cell, wrong):
    with pytest.raises(SettingsError, match=wrong):
        compile_plan(ROOT / "params", "smoke", [TABLE], [cell])


@pytest.mark.parametrize("said, wrong", [("dtreg: [detr]", "row 'dtreg'"), ("updetr: [dtr]", "column 'dtr'")])
def test_a_blank_cell_that_no_table_has_is_refused(params, said, wrong):
    edit(params, f"tables/{TABLE}.yaml", "blank:\n", f"blank:\n  {said}\n")
    with pytest.raises(SettingsError, match=f"table {TABLE}: {wrong}"):
        compile_plan(params, "smoke", [TABLE])
