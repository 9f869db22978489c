"""Killed at random moments, whoever it hits, and resumed: the tables are those of an undisturbed pipeline."""

import os
import shutil
from pathlib import Path

import pytest

from tests.workflow.kills import kill_and_resume

pytestmark = pytest.mark.pipeline

KILLS = int(os.environ.get("KILLS", "10"))
"""`make kills` asks for 20."""
TABLE = "siamese-voc"


def results(root: Path) -> dict[str, bytes]:
    """Tables, their numbers and curves, but not what runs cost."""
    reports = root / "reports/smoke"
    files = [path for part in ("tables", "numbers") for path in (reports / part).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(reports)): path.read_bytes()
        for path in files
        if path.suffix in (".md", ".csv", ".json")
    }


def test_tables_are_the_same_after_kills_at_random_moments(new_project) -> None:
    project = new_project(TABLE)
    project.edit(
        "params/scales/smoke.yaml",
        "{seeds: [0, 1], rows: [untrained, scratch, siamese]}",
        "{seeds: [0], columns: [detr-50e], rows: [scratch, siamese]}",
    )
    project.snakemake("--profile", "smoke", TABLE)
    expected = results(project.root)
    assert len(expected) > 5
    for folder in ("data", "reports", ".snakemake", "logs"):
        shutil.rmtree(project.root / folder)
    killed = kill_and_resume(project.root, project.environment, TABLE, KILLS, seed=0)
    print(killed)
    assert sum(killed.victims.values()) - killed.victims["nobody"] == KILLS
    assert killed.outlived or not killed.victims["controller"], "nobody outlived a controller"
    assert results(project.root) == expected
    assert "Nothing to be done" in project.snakemake("-n", "--profile", "smoke", TABLE)
