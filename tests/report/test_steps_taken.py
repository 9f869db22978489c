"""A table of what steps take: whose memory it is, on which machine, and only numbers that the run wrote."""

import json
from pathlib import Path

import pytest

from sdetr.files import sha256, write_json
from tests.report.conftest import COMMIT

GPU, CPU = "cuda, NVIDIA H200", "cpu, 1 thread of 2 cores"


@pytest.fixture
def steps(tree):
    """Makes the table of two runs of `bench/`, on two devices."""

    def make(*devices: str) -> str:
        tree.settings["table"] |= {"metrics": ["memory-mb", "step-s"], "references": []}
        tree.settings["table"]["paper"] = {"scratch": {"big": {"memory-mb": 7377.0, "step-s": 0.3118}}}
        tree.settings |= {"cells": {}, "same_as": {}}
        for row, device in zip(("scratch", "ours"), devices, strict=True):
            folder = f"data/demo/bench/toy-cost/big/{row}/seed0"
            took = {"memory-mb": 7000.4, "step-s": 0.31234}
            write_json(Path(folder, "cost.json"), {"metrics": took})
            about = {
                "commit": COMMIT,
                "dirty": False,
                "device": device,
                "peak_memory_bytes": 1,
                "metrics": took,
            }
            about["seconds"] = {"total": 9.0, "training": 5.0}
            made = {"cost.json": sha256(Path(folder, "cost.json"))}
            before = {"dataset": ("data/raw/toy/test.record.json", "test.json")}
            tree.record(f"{folder}/run.json", before, made, **about)
            tree.settings["cells"][row] = {"big": [{"run": folder}]}
        page: str = tree.make()
        return page

    return make


def numbers(page: str) -> list[list[str]]:
    lines = [line.strip("|").split("|") for line in page.splitlines() if "seed0" in line and "|" in line]
    return [[cell.strip() for cell in line[2:]] for line in lines]


def test_a_gpus_memory_is_its_own_and_the_processs_is_marked(steps):
    page = steps(GPU, CPU)
    assert numbers(page) == [["7000", "7377", "0.3123", "0.3118"], ["7000 ³", "–", "0.3123", "–"]]
    assert "³ No GPU: the most memory that was resident of the whole process." in page
    assert f"Measured on {GPU}; {CPU}." in page


def test_where_a_gpu_counted_everything_nothing_is_marked(steps, tree):
    page = steps(GPU, GPU)
    assert "³" not in page and f"Measured on {GPU}." in page and "Numbers are percent" not in page
    cell = json.loads((tree.out.parents[1] / "numbers/toy/big/ours.json").read_text())
    assert cell == {"memory-mb": 7000.4, "step-s": 0.31234, "runs": 1}
    assert "bench/toy-cost/big/ours/seed0/run.json" in page  # it has no page of its own


def test_other_tables_name_no_device(tree):
    assert "Measured on" not in tree.make()


def test_numbers_that_the_run_did_not_write_are_refused(steps, tree):
    steps(CPU, CPU)
    Path("data/demo/bench/toy-cost/big/ours/seed0/cost.json").write_text("{}")
    with pytest.raises(ValueError, match=r"ours/seed0/run.json is stale, made from other cost"):
        tree.make()
