"""`sdetr sync --check` looks, and makes nothing."""

import shutil

import pytest

from sdetr.tracking.check import check
from sdetr.tracking.store import TrackingError
from sdetr.tracking.sync import sync
from tests.tracking.conftest import SCRATCH


@pytest.mark.parametrize("name", ["mlflow.db", "other.db"])
@pytest.mark.parametrize("torn", [False, True])
def test_without_a_database_everything_is_missing_and_none_is_made(tree, monkeypatch, name, torn):
    database = tree.root / name
    if name == "other.db":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    database.unlink(missing_ok=True)
    if torn:
        database.touch()
    said = list(check(tree.plan, tree.root))
    declared = [file for job in tree.plan.jobs.values() for file in job.outputs.values()]
    assert sorted(one.file for one in said if one.fault) == sorted(declared)
    assert database.exists() == torn and not (torn and database.stat().st_size)


def test_the_database_of_a_copied_tree_is_refused_and_its_original_is_left_alone(tree, tmp_path):
    sync(tree.plan, tree.root)
    copy = tmp_path / "copy"
    shutil.copytree(tree.root, copy)
    (copy / "data/smoke" / SCRATCH / "metrics.json").write_text('{"metrics": {"AP": 1.0}}')
    before = {path: path.stat().st_mtime_ns for path in (tree.root / "mlartifacts").rglob("*")}
    for attempt in (lambda: sync(tree.plan, copy), lambda: list(check(tree.plan, copy))):
        with pytest.raises(TrackingError, match=rf"^mlflow.db belongs to {tree.root}; delete it"):
            attempt()
    assert before == {path: path.stat().st_mtime_ns for path in (tree.root / "mlartifacts").rglob("*")}
