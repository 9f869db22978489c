"""What DVC reads is the plan, and is committed as the plan of the demo's first tables."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sdetr.cli import main
from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.dvc import ALONE, as_dvc, check_dvc, write_dvc
from sdetr.config.layers import Params

ROOT = Path(__file__).parents[2]
DEMO = "sdetr plan --scale demo --first"
HEAD = {"scale", "recipes"}
"""What is no stage in plan.yaml."""


def parsed(scale):
    plan = compile_plan(ROOT / "params", scale)
    texts = as_dvc(plan, f"sdetr plan --scale {scale}")
    return plan, *(yaml.safe_load(texts[name]) for name in ("plan.yaml", "dvc.yaml"))


def test_the_committed_files_are_those_of_the_demos_first_tables(monkeypatch):
    monkeypatch.chdir(ROOT)
    check_dvc(compile_plan(ROOT / "params", "demo", "first"), DEMO)


@pytest.mark.parametrize("scale", Params(ROOT / "params").names("scales"))
def test_every_job_is_there_once_by_a_key_that_dvc_can_find(scale):
    plan, items, whole = parsed(scale)
    keys = [path for name, jobs in items.items() if name not in HEAD for path in jobs]
    alone = [path.replace("/", "-") for path, job in plan.jobs.items() if job.stage in ALONE]
    assert sorted(keys) == sorted(job.path for job in plan.jobs.values() if job.stage not in ALONE)
    assert not any("@" in key for key in keys)
    assert set(whole["stages"]) == {"plan", *alone} | set(items) - HEAD and len(set(alone)) == len(alone)


@pytest.mark.parametrize("scale, cached", [("demo", True), ("paper", False)])
def test_only_images_that_we_draw_are_cached(scale, cached):
    _, _, whole = parsed(scale)
    outs = whole["stages"]["data"]["do"]["outs"]
    assert outs[0] == ("${item.out.index}" if cached else {"${item.out.index}": {"cache": False}})
    assert ("${item.out.images}" in outs) == cached
    assert "cache" not in str(whole["stages"]["finetune"])


def test_jobs_of_a_stage_that_read_other_slots_have_a_block_of_their_own():
    plan = compile_plan(ROOT / "params", "demo")
    job = plan.of("finetune")[0]
    plan.jobs[job.path] = replace(job, inputs=job.inputs | {"more": "data/raw/more.json"})
    whole = yaml.safe_load(as_dvc(plan, DEMO)["dvc.yaml"])
    with_more = {name for name, block in whole["stages"].items() if "${item.in.more}" in str(block)}
    assert len(with_more) == 1 and {"finetune", "finetune-2"} <= set(whole["stages"])


def test_a_table_reads_what_its_cells_rest_on_each_file_once():
    plan, _, whole = parsed("demo")
    block = whole["stages"]["tables-siamese-voc"]
    assert set(block["deps"]) == set(plan.jobs["tables/siamese-voc"].inputs.values())
    assert len(block["deps"]) == len(set(block["deps"]))
    assert "${" not in str(block)


def test_metrics_and_plots_name_files_of_the_tables_cells():
    _, _, whole = parsed("demo")
    assert "reports/demo/numbers/siamese-voc/conditional/siamese.json" in whole["metrics"]
    lines = [file for plot in whole["plots"] for said in plot.values() for file in said["y"]]
    assert "reports/demo/numbers/siamese-voc/detr-50e/scratch.csv" in lines
    assert not any("untrained" in file for file in lines)  # a row that reads epoch 0 has no curve of its own


def test_a_column_that_equals_another_one_has_no_chart_of_its_own():
    plan, _, whole = parsed("smoke")
    named = {name for plot in whole["plots"] for name in plot}
    assert plan.jobs["tables/detectors"].settings["same_as"]["supervised"].keys() == {"conditional-300q"}
    assert "detectors conditional" in named and "detectors conditional-300q" not in named


@pytest.mark.parametrize("name", ["plan.yaml", "dvc.yaml"])
def test_a_stale_file_is_one_line_that_says_what_mends_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    plan = compile_plan(ROOT / "params", "smoke")
    write_dvc(plan, "sdetr plan --scale smoke")
    check_dvc(plan, "sdetr plan --scale smoke")
    (tmp_path / name).write_text((tmp_path / name).read_text() + "\n")
    with pytest.raises(
        SettingsError, match=rf"^{name} is not .*; `uv run sdetr plan --scale smoke --dvc`"
    ) as e:
        check_dvc(plan, "sdetr plan --scale smoke")
    assert len(str(e.value).splitlines()) == 1


def test_the_first_stage_checks_and_writes_the_settings_of_every_job(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params").symlink_to(ROOT / "params")
    main(["plan", "--scale", "smoke", "--first", "--dvc"])
    whole = yaml.safe_load((tmp_path / "dvc.yaml").read_text())
    program, *arguments = whole["stages"]["plan"]["cmd"].split()
    capsys.readouterr()
    main(arguments)
    said = capsys.readouterr()
    assert program == "sdetr" and said.out == "" and "settings files written" in said.err
    outs = [file for out in whole["stages"]["plan"]["outs"] for file in out]
    assert outs and all((tmp_path / file).is_file() for file in outs)
    (tmp_path / "plan.yaml").write_text("scale: demo\n")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and len(capsys.readouterr().err.splitlines()) == 1
