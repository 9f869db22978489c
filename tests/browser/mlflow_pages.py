"""What a stranger sees in MLflow: starts the UI of a root, looks, asserts, and leaves pictures of the pages.

uv run python tests/browser/mlflow_pages.py ROOT SCALE FOLDER
"""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

TABLE, METRIC = "siamese-voc", "test/AP"
WIDE = {"width": 1600, "height": 1000}
PATIENCE_MS = 60_000


@contextmanager
def served(root: Path, command: list[str]) -> Iterator[str]:
    """The address of an MLflow UI started in `root`; `{port}` in the command is a free one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [word.format(port=port) for word in command],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + 90
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=3).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until, "the UI did not start"
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def look(root: Path, scale: str, address: str, browser: str, folder: Path) -> None:
    """Visits four pages; raises AssertionError where something is not on one."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport=WIDE)
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        _first_page(page, address, scale, folder)
        _runs_of_the_table(page, root, scale, folder)
        _curves_in_one_chart(page, folder)
        tuned, pretrained = _run_of(root, "finetune/%/siamese~%"), _run_of(root, "pretrain/%")
        _lineage(page, address, tuned, folder)
        _pictures(page, address, pretrained, folder)
        chromium.close()


def _first_page(page: Page, address: str, scale: str, folder: Path) -> None:
    page.goto(f"{address}/#/experiments")
    page.get_by_text("Model training", exact=True).click()  # a stranger does it once; MLflow remembers
    for name in (TABLE, "pretrain", "inputs"):
        expect(page.get_by_role("link", name=f"{scale}/{name}", exact=True)).to_be_visible()
    close = page.get_by_role("button", name="Close", exact=True)
    if close.count():
        close.first.click()
    page.screenshot(path=folder / "1-experiments.png")
    page.get_by_role("link", name=f"{scale}/{TABLE}", exact=True).click()


def _runs_of_the_table(page: Page, root: Path, scale: str, folder: Path) -> None:
    names = _ask(root, "select r.name from runs r join experiments e using (experiment_id) where e.name = ?"
                       " and r.lifecycle_stage = 'active'", f"{scale}/{TABLE}")  # fmt: skip
    assert len(names) >= 4
    for (name,) in names:
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.screenshot(path=folder / "2-runs-of-a-table.png")


def _curves_in_one_chart(page: Page, folder: Path) -> None:
    page.goto(page.url + "&compareRunsMode=CHART")
    card = page.get_by_test_id("experiment-view-compare-runs-card").filter(
        has_text=re.compile(f"^{METRIC}$|{METRIC}")
    )
    expect(card.first).to_be_visible()
    card.first.scroll_into_view_if_needed()
    lines = card.first.locator(".scatterlayer .trace")
    expect(lines.nth(3)).to_be_attached()
    assert lines.count() >= 4, "the curves of a table's runs are in one chart"
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "3-curves-of-a-table.png")


def _lineage(page: Page, address: str, run: tuple[str, str, str], folder: Path) -> None:
    """The description of a fine-tuning leads to its pretraining."""
    page.goto(f"{address}/#/experiments/{run[0]}/runs/{run[1]}?workflowType=machine_learning")
    expect(page.get_by_text("made from, init")).to_be_visible()
    page.get_by_text("Show more").first.click()
    page.get_by_text("made from, init").scroll_into_view_if_needed()
    page.screenshot(path=folder / "4-lineage.png")
    with page.context.expect_page() as opened:  # MLflow opens links of descriptions in a new tab
        page.locator("li", has_text="made from, init").get_by_role("link").first.click()
    expect(opened.value.get_by_text(re.compile("^pretrain/")).first).to_be_visible()
    expect(opened.value.locator("li", has_text="followed by").get_by_role("link").first).to_be_attached()
    opened.value.close()


def _pictures(page: Page, address: str, run: tuple[str, str, str], folder: Path) -> None:
    page.goto(f"{address}/#/experiments/{run[0]}/runs/{run[1]}/model-metrics?workflowType=machine_learning")
    card = page.get_by_test_id("experiment-view-compare-runs-card").filter(has_text="found")
    while not card.count():
        page.mouse.move(900, 600)
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(500)
    card.first.scroll_into_view_if_needed()
    picture = card.first.locator("img").first
    expect(picture).to_be_attached()
    expect(card.first.get_by_role("slider")).to_be_attached()
    picture.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    assert picture.evaluate("image => image.naturalWidth") > 100
    page.screenshot(path=folder / "5-pictures.png")


def _run_of(root: Path, pattern: str) -> tuple[str, str, str]:
    """Experiment, id and name of the first run whose path is like the pattern."""
    query = (
        "select r.experiment_id, r.run_uuid, r.name from runs r join tags t on t.run_uuid = r.run_uuid "
        "where t.key = 'run' and t.value like ? and r.lifecycle_stage = 'active' order by r.name"
    )
    experiment, run_id, name = _ask(root, query, pattern)[0]
    return str(experiment), run_id, name


def _ask(root: Path, query: str, *values: object) -> list[tuple]:
    with sqlite3.connect(root / "mlflow.db") as db:
        return db.execute(query, values).fetchall()


if __name__ == "__main__":
    where, at, pictures = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3])
    ui = [
        "mlflow",
        "ui",
        "--workers",
        "1",
        "--port",
        "{port}",
        "--backend-store-uri",
        f"sqlite:///{where}/mlflow.db",
    ]
    with served(where, ui) as url:
        look(where, at, url, shutil.which("chromium") or "chromium", pictures)
