"""Run pages of a finished smoke tree: from a table's cell to the files of a run, without a broken link."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.pipeline


class Addresses(HTMLParser):
    """Everything that a page points to."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found += [value for key, value in attrs if key in ("href", "src", "srcset", "data")]


def pages(root: Path) -> list[Path]:
    return sorted((root / "reports/smoke/runs").rglob("*.html"))


def test_every_run_has_a_page_and_every_link_of_it_resolves(finished):
    runs = [*(finished.root / "data/smoke").glob("finetune/*/*/*/seed*")]
    runs += (finished.root / "data/smoke").glob("pretrain/*/*/*/seed*")
    assert len(pages(finished.root)) == len(runs) == 10
    for page in pages(finished.root):
        for address in Addresses(page.read_text()).found:
            parts = urlsplit(address)
            assert parts.scheme in ("", "data") and not parts.netloc, address
            made_by_sync = parts.path.endswith("/mlflow.html")
            if not parts.scheme and not made_by_sync:
                assert (page.parent / unquote(parts.path)).exists(), f"{page}: {address}"
        assert page.stat().st_size < 3_000_000


def test_a_tables_seeds_lead_to_pages_and_pages_to_the_table(finished):
    table = finished.root / "reports/smoke/tables/siamese-voc.md"
    targets = re.findall(r"^\[\d+\]: (.*)$", table.read_text(), flags=re.MULTILINE)
    linked = {(table.parent / unquote(target)).resolve() for target in targets}
    assert linked == {page.resolve() for page in pages(finished.root) if "/finetune/" in str(page)}
    for page in linked:
        back = {
            (page.parent / unquote(urlsplit(a).path)).resolve() for a in Addresses(page.read_text()).found
        }
        assert table.resolve() in back


def test_a_page_leads_up_to_its_pretraining_and_down_again(finished):
    folder = finished.root / "reports/smoke/runs"
    start = folder / "pretrain/siamese-imagenet-60e/siamese/detr/seed0.html"
    run = folder / "finetune/siamese-voc-vanilla-50e/detr/siamese~siamese-imagenet-60e/seed1.html"
    for one, other in ((start, run), (run, start)):
        there = {(one.parent / unquote(urlsplit(a).path)).resolve() for a in Addresses(one.read_text()).found}
        assert other.resolve() in there


def test_a_pages_command_repeats_the_run_to_the_same_weights_and_its_page_follows(made):
    run = "data/smoke/finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0"
    page = (made.root / run.replace("data/smoke", "reports/smoke/runs")).with_suffix(".html")
    command = re.search(r"uv run snakemake (.*)", page.read_text())[1]
    before = json.loads((made.root / run / "run.json").read_text())
    shutil.rmtree(made.root / run)
    made.snakemake(*command.split())
    after = json.loads((made.root / run / "run.json").read_text())
    assert after["outputs"] != before["outputs"], "the curve has other times"
    names = ("weights.safetensors", "predictions.json")
    assert [after["outputs"][name] for name in names] == [before["outputs"][name] for name in names]
    assert made.would_run("--profile", "smoke", "all_tables") == {
        "data/smoke/finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0/metrics.json",
        "reports/smoke/runs/finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0.html",
        "reports/smoke/tables/siamese-voc.md",
    }
    made.snakemake("--profile", "smoke", "all_tables")
    assert made.would_run("--profile", "smoke", "all_tables") == set()
