"""The report of all tables and figures, in a real browser, and every link of it."""

import shutil

import pytest

from tests.browser.report_pages import look, two_clicks

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium here; `apt-get install chromium` brings one, and .ci/run has one")
    return found


def test_a_reader_stumbles_over_nothing_on_a_desk_or_a_phone(everything, browser, tmp_path):
    """No error, no broken picture or link, nothing from outside, nothing wider than the window."""
    assert look(everything.root / "reports/smoke", browser, tmp_path / "seen") == []
    figures = list((everything.root / "reports/smoke/figures").glob("*.svg"))
    assert len(list((tmp_path / "seen").glob("*.png"))) == 2 * (2 + 3 + len(figures))


def test_two_clicks_lead_from_a_cell_to_the_command_that_repeats_it(everything, browser):
    run, command = two_clicks(everything.root / "reports/smoke", browser)
    path = run.partition("/runs/")[2].removesuffix(".html")
    assert path.startswith("finetune/") and f"data/smoke/{path}/run.json" in command


def test_snakemakes_own_report_shows_every_table_and_figure(everything, tmp_path):
    page = tmp_path / "report.html"
    everything.snakemake("--profile", "smoke", "--report", str(page), "all_tables")
    text = page.read_text()
    for kind, suffix in (("tables", "csv"), ("figures", "svg")):
        names = [file.stem for file in (everything.root / f"params/{kind}").glob("*.yaml")]
        assert names and all(f"reports/smoke/{kind}/{name}.{suffix}" in text for name in names)
