"""The real pipeline and MLflow: never in the way, whole in the end, and fit to be looked at."""

import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from tests.browser.mlflow_pages import look, served

pytestmark = pytest.mark.pipeline

PROFILE = ("--profile", "smoke")
TUNED = "finetune/siamese-voc-conditional-50e/conditional/siamese~siamese-imagenet-60e/seed0"
PRETRAINED = "pretrain/siamese-imagenet-60e/siamese/conditional/seed0"


@pytest.fixture(scope="module")
def made(new_project):
    """A project in which everything was made while MLflow was away, and what was said meanwhile."""
    project = new_project("siamese-voc")
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://me:open-sesame@127.0.0.1:{server.getsockname()[1]}"
    away = replace(project, environment=project.environment | {"MLFLOW_TRACKING_URI": uri})
    return project, away.snakemake(*PROFILE, "all_tables")


def sdetr(project, *words: str) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).with_name("sdetr")), *words]
    return subprocess.run(command, cwd=project.root, env=project.environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def mirrored(made):
    """The same, after a sync by hand."""
    project, _ = made
    done = sdetr(project, "sync", "--scale", "smoke", "--tables", "all")
    assert done.returncode == 0, done.stderr
    return project


def test_fault_60_mlflow_away_is_one_line_and_the_workflow_ends_well_with_nothing_left_to_do(made):
    project, said = made
    assert len([line for line in said.splitlines() if line.startswith("sdetr sync:")]) == 1
    assert "open-sesame" not in said + "".join(p.read_text() for p in (project.root / "logs").rglob("*.log"))
    assert (project.root / "reports/smoke/tables/siamese-voc.md").exists()
    assert "Nothing to be done" in project.snakemake("-n", *PROFILE, "all_tables")


def test_fault_60_the_next_sync_takes_everything_along_and_check_finds_every_output(mirrored):
    done = sdetr(mirrored, "sync", "--scale", "smoke", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    planned = json.loads(sdetr(mirrored, "plan", "--scale", "smoke", "--json").stdout)["jobs"]
    assert [line.split()[2] for line in lines[:-1] if "MISSING" in line] == []
    assert {line.split()[2] for line in lines[:-1]} == {f for job in planned for f in job["outputs"].values()}
    assert "Nothing to be done" in mirrored.snakemake("-n", *PROFILE, "all_tables")


def test_tables_that_came_from_elsewhere_start_no_sync_and_a_new_table_does(mirrored):
    mark = mirrored.root / "data/smoke/state/synced"
    mark.unlink()
    assert "Nothing to be done" in mirrored.snakemake("-n", *PROFILE, "all_tables")
    table = mirrored.root / "reports/smoke/tables/siamese-voc.md"
    table.unlink()
    assert "rule sync:" in mirrored.snakemake("-n", *PROFILE, "all_tables")
    mirrored.snakemake(*PROFILE, "all_tables")


def test_no_verb_of_a_stage_imports_mlflow(made):
    project, _ = made
    data, settings = "data/smoke", "data/smoke/settings"
    weights = f"{data}/{PRETRAINED}/weights.safetensors"
    backbone = f"{data}/backbones/swav_r50.safetensors"
    calls = [
        ["train", "--settings", f"{settings}/{TUNED}.yaml", "--init", weights,
         "--out", "data/other/finetune/a/b/c/seed0"],
        ["pretrain", "--settings", f"{settings}/{PRETRAINED}.yaml", "--init", backbone,
         "--out", "data/other/pretrain/a/b/c/seed0"],
        ["evaluate", "--settings", f"{settings}/{TUNED}/metrics.yaml",
         "--predictions", f"{data}/{TUNED}/predictions.json", "--out", "data/other/metrics.json"],
        ["page", "--settings", f"{settings}/runs/{TUNED}.yaml", "--out", "data/other/page.html"],
        ["table", "--settings", f"{settings}/tables/siamese-voc.yaml", "--out", "data/other/table.md"],
    ]  # fmt: skip
    source = (Path(__file__).parents[2] / "sdetr/cli/stages.py").read_text()
    behind = re.findall(r"^    from (sdetr\.(?!config|tracking)\S+) import", source, re.MULTILINE)
    assert len(behind) >= 10  # as many verbs as stages, and merging
    code = (
        f"import importlib, json, sys\nfor name in {behind}: importlib.import_module(name)\n"
        "from sdetr.cli import main\n"
        "for call in json.loads(sys.argv[1]): main(call)\n"
        "assert not {'mlflow', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code, json.dumps(calls)], cwd=project.root, env=project.environment, check=True
    )


def test_plain_mlflow_ui_in_the_root_shows_the_same_runs(mirrored):
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    with served(mirrored.root, [mlflow, "ui", "--port", "{port}"]) as address:
        body = json.dumps({"max_results": 100}).encode()
        request = urllib.request.Request(
            f"{address}/api/2.0/mlflow/experiments/search", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            names = {one["name"] for one in json.load(answer)["experiments"]}
    assert names == {"Default", "smoke/inputs", "smoke/pretrain", "smoke/siamese-voc", "smoke/tables"}
    assert not (mirrored.root / "mlruns").exists()


def test_a_stranger_finds_runs_curves_pictures_and_lineage(mirrored):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium here; `apt-get install chromium` brings one")
    database = f"sqlite:///{mirrored.root}/mlflow.db"
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    command = [mlflow, "ui", "--workers", "1", "--port", "{port}", "--backend-store-uri", database]
    folder = mirrored.root / "pages"
    with served(mirrored.root, command) as address:
        look(mirrored.root, "smoke", address, browser, folder)
    assert len(list(folder.glob("*.png"))) == 5
