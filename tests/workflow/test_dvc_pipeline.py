"""The pipeline at its smallest through both engines: whoever made results, the other has nothing to do."""

import json
import re
import shutil

import pytest

pytestmark = pytest.mark.pipeline

PROFILE = ("--profile", "smoke", "all_tables")
PROTOCOL = "params/protocols/siamese-voc-vanilla-50e.yaml"
STARTS = ("swav_r50", "siamese~siamese-imagenet-60e")
RUNS = {f"finetune/siamese-voc-vanilla-50e/detr/{start}/seed0" for start in STARTS}
TABLE = "reports/smoke/tables/siamese-voc.md"
TABLE_FILE, TITLE = "params/tables/siamese-voc.yaml", "Siamese DETR on PASCAL VOC"
FOLLOWING = {
    f"data/smoke/{run}/{file}" for run in RUNS for file in ("weights.safetensors", "metrics.json")
} | {TABLE}
"""First outputs of what an edit of the protocol makes anew."""


@pytest.fixture(scope="module")
def new_small_project(new_git_project):
    """One column and one seed at scale smoke, planned for DVC."""

    def make():
        project = new_git_project("siamese-voc")
        project.edit(
            "params/scales/smoke.yaml",
            "{seeds: [0, 1], rows: [untrained, scratch, siamese]}",
            "{seeds: [0], columns: [detr-50e], rows: [scratch, siamese]}",
        )
        project.run("sdetr", "plan", "--scale", "smoke", "--dvc")
        return project

    return make


@pytest.fixture(scope="module")
def made(new_small_project):
    """By Snakemake, and handed to DVC."""
    project = new_small_project()
    project.snakemake(*PROFILE)
    project.dvc("commit", "--force")
    return project


def has_nothing_to_do(project) -> bool:
    said = project.snakemake("-n", *PROFILE)
    print(said)  # what it would do instead
    return "Nothing to be done" in said


def tables(project) -> dict[str, bytes]:
    """Tables, their numbers and curves; not what runs cost, nor marks that Snakemake leaves in folders."""
    reports = project.root / "reports/smoke"
    files = [path for part in ("tables", "numbers") for path in (reports / part).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(reports)): path.read_bytes()
        for path in files
        if path.name != ".snakemake_timestamp"
    }


def would_run(project) -> set[str]:
    """First output of each job that a dry run lists, but for the pages that follow their runs."""
    return {file for file in project.would_run(*PROFILE) if "/runs/" not in file}


def wipe(project) -> None:
    for folder in ("data", "reports"):
        shutil.rmtree(project.root / folder)


def test_what_snakemake_made_dvc_takes_over_and_gives_back(made):
    assert "Running stage" not in made.dvc("repro")
    assert "up to date" in made.dvc("status")
    before = tables(made)
    wipe(made)
    made.dvc("checkout")
    assert tables(made) == before
    assert list((made.root / "data/raw").glob("*/generated-*/*")), "images come back too"
    assert has_nothing_to_do(made)


def test_the_numbers_and_the_curves_are_shown(made):
    line = next(line for line in made.dvc("metrics", "show").splitlines() if "detr-50e/siamese.json" in line)
    cells = json.loads((made.root / TABLE).with_suffix(".json").read_text())["cells"]
    ap = next(cell for cell in cells if cell["row"] == "siamese")["metrics"]["AP"]["mean"]
    assert float(line.split()[1]) == round(ap, 2)
    said = made.dvc("plots", "show", "--json")
    assert "DETR: AP (%) while fine-tuning" in said and "scratch.csv" in said


def test_an_edited_weight_is_the_same_runs_to_both_and_undone_none(made):
    made.edit(PROTOCOL, "weight_decay: 1.0e-4", "weight_decay: 0.5")
    assert would_run(made) == FOLLOWING
    status = made.dvc("status")
    assert set(re.findall("^finetune@(.+):$", status, flags=re.MULTILINE)) == RUNS
    assert not re.search("^(pretrain|views|data|backbone)@", status, flags=re.MULTILINE)
    made.edit(PROTOCOL, "weight_decay: 0.5", "weight_decay: 1.0e-4")
    assert has_nothing_to_do(made)
    assert "up to date" in made.dvc("status")


def test_results_of_an_edit_that_dvc_ran_and_that_was_undone_are_believed_by_nobody(made):
    before = tables(made)
    made.edit(PROTOCOL, "weight_decay: 1.0e-4", "weight_decay: 0.5")
    made.dvc("repro")
    assert tables(made) != before
    made.edit(PROTOCOL, "weight_decay: 0.5", "weight_decay: 1.0e-4")
    for _ in range(2):
        assert would_run(made) == FOLLOWING
    said = made.dvc("repro")
    ran = set(re.findall(r"^Running stage '(.+)':", said, flags=re.MULTILINE))
    restored = set(re.findall("^Stage '(.+)' is cached", said, flags=re.MULTILINE))
    assert ran <= {"plan"}
    assert restored >= {"tables-siamese-voc"} | {f"finetune@{run}" for run in RUNS}
    assert tables(made) == before
    # DVC left the report as it was, if its tables' pages said the same; Snakemake goes by their time.
    assert would_run(made) == set()


def test_pages_of_an_edit_that_dvc_ran_and_that_was_undone_are_believed_by_nobody(made):
    made.edit(TABLE_FILE, TITLE, "Another title")
    made.dvc("repro")
    pages = list((made.root / "reports/smoke/runs/finetune").rglob("*.html"))
    assert pages and all("Another title" in page.read_text() for page in pages)
    made.edit(TABLE_FILE, "Another title", TITLE)
    named = {file for file in made.would_run(*PROFILE) if "/runs/" in file}
    assert named >= {str(page.relative_to(made.root)) for page in pages}
    made.snakemake(*PROFILE)
    assert not any("Another title" in page.read_text() for page in pages)
    assert "Running stage" not in made.dvc("repro").replace("Running stage 'plan'", "")


def test_dvc_alone_makes_the_same_tables_and_snakemake_then_has_nothing_to_do(made, new_small_project):
    other = new_small_project()
    other.dvc("repro")
    assert tables(other) == tables(made)
    assert has_nothing_to_do(other)
    tracked = other.run("git", "status", "--porcelain", "--untracked-files=all").splitlines()
    assert {line[3:] for line in tracked} <= {"params/scales/smoke.yaml", "plan.yaml", "dvc.yaml", "dvc.lock"}


def test_another_clone_gets_the_tables_from_a_remote_without_training(made, new_small_project, tmp_path):
    other = new_small_project()
    made.dvc("remote", "add", "--local", "--force", "--default", "store", str(tmp_path))
    made.dvc("push")
    shutil.copy(made.root / "dvc.lock", other.root / "dvc.lock")  # what `git pull` brings
    other.dvc("remote", "add", "--local", "--default", "store", str(tmp_path))
    other.dvc("pull")
    assert tables(other) == tables(made)
    assert "Running stage" not in other.dvc("repro")
    other.snakemake(*PROFILE, "--touch")
    assert has_nothing_to_do(other)
    assert not list((other.root / "data/smoke/state").rglob("run.json")), "nothing was trained"


def test_a_stale_plan_stops_dvc_with_the_command_that_mends_it(new_small_project):
    project = new_small_project()
    project.edit("params/scales/smoke.yaml", "seeds: [0],", "seeds: [0, 1],")
    said = project.run("dvc", "repro", fails=True)
    assert (
        "sdetr plan: plan.yaml is not the plan of params/ any more; `uv run sdetr plan --scale smoke --dvc`"
        in said
    )
    assert not (project.root / "data/smoke/finetune").exists()
