"""The page that leads from a run's path to MLflow."""

import re

from sdetr.tracking.store import UI_ADDRESS
from sdetr.tracking.sync import sync
from tests.tracking.conftest import ROOT, SCRATCH


def test_it_lists_every_run_under_its_path_and_needs_nothing_else(tree):
    sync(tree.plan, tree.root)
    text = (tree.root / "reports/smoke/mlflow.html").read_text()
    for path in (SCRATCH, "backbones/swav_r50"):
        row = re.search(rf'<tr id="{re.escape(path)}">.*?href="([^"]+)"', text)
        assert row, path
        assert re.fullmatch(
            r"http://127\.0\.0\.1:5000/#/experiments/\d+/runs/[0-9a-f]{32}\?workflowType=machine_learning",
            row[1],
        )
    assert not re.findall(r'(?:src|href)="(?!http://127\.0\.0\.1:5000|#)', text)
    assert "make ui" in text


def test_it_is_written_only_when_it_changed(tree):
    sync(tree.plan, tree.root)
    page = tree.root / "reports/smoke/mlflow.html"
    before = page.stat().st_mtime_ns
    sync(tree.plan, tree.root)
    assert page.stat().st_mtime_ns == before


def test_make_ui_serves_where_the_links_lead():
    recipe = (ROOT / "Makefile").read_text().partition("\nui: ")[2].partition("\n\n")[0]
    assert f"--port {UI_ADDRESS.rpartition(':')[2]} " in recipe
    assert UI_ADDRESS in recipe and "PORT" not in recipe
