"""What Snakemake would do in a fresh clone, with an empty home and no data."""

import re

import pytest


def test_slurm_lists_the_papers_jobs_with_no_data_and_an_empty_home(project):
    said = project.snakemake("--profile", "slurm", "-n", "all_tables")
    assert "data/paper/finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0/weights.safetensors" in said
    assert (
        "data/paper/finetune/siamese-voc-conditional-50e/conditional/swav_r50/seed0/weights.safetensors"
        in said
    )
    assert "data/raw/voc12-trainval/trainval.json" in said
    assert "slurm_partition=main" in said


def test_slurm_lists_every_table_with_no_data(project):
    said = project.snakemake("--profile", "slurm", "-n", "all_tables")
    tables = {path.stem for path in (project.root / "params/tables").glob("*.yaml")}
    assert set(re.findall(r"reports/paper/tables/([a-z0-9-]+)\.md", said)) == tables
    assert not list((project.root / "data").rglob("*.jpg"))
    *_, together = re.findall(r"^total +(\d+)$", said, flags=re.MULTILINE)
    assert int(together) > 15 * len(tables)


@pytest.mark.parametrize("profile, runs", [("demo", 21), ("smoke", 87), ("local", 198)])
def test_each_profile_plans_its_scale(project, profile, runs):
    said = project.snakemake("--profile", profile, "-n", "all_tables")
    assert re.search(rf"^finetune +{runs}$", said, flags=re.MULTILINE)


def test_a_mistake_in_params_is_one_clear_line_and_nothing_runs(project):
    project.edit("params/protocols/siamese-voc-vanilla-50e.yaml", "epochs: 50", "epoch: 50")
    said = project.snakemake("--profile", "demo", "all_tables", fails=True).strip().splitlines()
    assert len(said) == 2
    assert said[0] == "Using profile demo for setting default command line arguments."
    assert said[1].startswith("params/protocols/siamese-voc-vanilla-50e.yaml:5: epoch: unknown key;")
    assert "did you mean 'epochs'?" in said[1]
    assert not (project.root / "data").exists()


def test_a_scale_without_a_file_is_one_clear_line(project):
    said = project.snakemake("-n", "all_tables", "--config", "scale=dmo", fails=True).strip()
    assert said.startswith("params/scales/dmo.yaml does not exist; 'dmo' is not known, did you mean 'demo'?")
    assert len(said.splitlines()) == 1


def test_a_config_that_forgets_the_scale_is_refused_because_it_replaces_the_profiles(project):
    arguments = ("--profile", "smoke", "-n", "all_tables", "--config", "tables=all")
    said = project.snakemake(*arguments, fails=True).strip().splitlines()
    assert said[-1].endswith("so it has to name the scale too: --config scale=… tables=all")


def test_snakemakes_own_lint_has_one_remark_and_it_does_not_apply(project):
    """It wants conda or a container per rule; here one committed uv.lock fixes the software of all rules."""
    said = project.snakemake("--lint", "--config", "scale=smoke", "tables=all", fails=True)
    remarks = set(re.findall(r"^    \* (.+):$", said, flags=re.MULTILINE))
    assert remarks == {"Specify a conda environment or container for each rule."}
