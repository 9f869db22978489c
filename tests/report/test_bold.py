"""A page's bold numbers, and what it says of them."""

from pathlib import Path

import numpy as np
import pytest

CHANCE = np.random.default_rng(1).normal(0, 1, 300)
OWN = np.random.default_rng(2).normal(0, 1, 300)


@pytest.fixture
def duel(tree):
    """Two rows of one run each, compared by one metric in one column; a function sets how they stand."""
    table = tree.settings["table"]
    del table["columns"]["small"], tree.settings["same_as"]
    table["metrics"] = ["AP"]
    one, two = tree.run("swav_r50", AP=40.0), tree.run("siamese~toy", AP=41.0)
    tree.settings["cells"] = {"scratch": {"big": [one]}, "ours": {"big": [two]}}

    def stand(scratch, ours):
        tree.resample(one["run"], {"AP": scratch})
        tree.resample(two["run"], {"AP": ours})
        return tree.make()

    return stand


def line(page: str, start: str) -> str:
    return next(line for line in page.splitlines() if line.startswith(f"| {start}"))


def test_better_on_every_draw_is_bold_and_below_the_block_is_by_how_much(tree, duel):
    page = duel(40 + CHANCE, 41 + CHANCE)
    assert "| **41.0** |" in line(page, "pretrained") and "**" not in line(page, "from scratch")
    assert "\n\npretrained − from scratch: AP +1.00 (+1.00 to +1.00).\n\n" in page
    assert "**Bold** is a best number whose interval excludes 0" in page
    assert "300 draws of the 50 test images" in page and "not that of its training" in page
    (lead,) = tree.json()["leads"]
    assert lead == {
        "column": "big", "metric": "AP", "best": "ours", "next": "scratch", "difference": 1.0,
        "low": pytest.approx(1.0), "high": pytest.approx(1.0), "images": 50, "resamples": 300, "holds": True,
    }  # fmt: skip


def test_the_same_difference_that_images_explain_is_not_bold(tree, duel):
    page = duel(40 + CHANCE, 41 + OWN)
    assert "| 41.0 |" in line(page, "pretrained")
    (lead,) = tree.json()["leads"]
    assert lead["low"] < 0 < lead["difference"] < lead["high"] and not lead["holds"]
    said = f"AP +1.00 ({lead['low']:+.2f} to {lead['high']:+.2f})."
    assert f"pretrained − from scratch: {said}" in page


def test_a_row_is_not_before_its_own_runs_in_another_row(tree, duel):
    tree.settings["table"]["rows"]["again"] = {"label": "the same again", "start": "siamese~toy"}
    tree.settings["same_as"] = {"again": {"big": {"row": "ours", "column": "big"}}}
    duel(40 + CHANCE, 41 + CHANCE)
    (lead,) = tree.json()["leads"]
    assert (lead["best"], lead["next"]) == ("ours", "scratch")


def test_runs_that_stand_in_another_column_count_in_this_one_too(tree, duel):
    """Else the worse of two rows would be the best of its column."""
    tree.settings["table"]["columns"]["twin"] = {"label": "Twin", "model": "detr", "protocol": "toy-50e"}
    tree.settings["same_as"] = {"ours": {"twin": {"row": "ours", "column": "big"}}}
    other = tree.run("swav_r50", column="twin", AP=39.0)
    tree.resample(other["run"], {"AP": 39 + CHANCE})
    tree.settings["cells"]["scratch"]["twin"] = [other]
    twin = duel(40 + CHANCE, 41 + CHANCE).split("### Twin")[1].split("Toy paper")[0]
    assert "pretrained − from scratch: AP +2.00" in twin
    assert "**" not in line(twin, "pretrained") + line(twin, "from scratch")


def test_a_row_that_reads_a_curve_is_compared_with_no_other(tree, duel):
    tree.settings["table"]["rows"]["ours"]["epoch"] = 50
    page = duel(40 + CHANCE, 41 + CHANCE)
    assert tree.json()["leads"] == [] and "Bold" not in page and "−" not in page


def test_other_resamples_than_the_evaluation_wrote_are_refused(tree, duel):
    duel(40 + CHANCE, 41 + CHANCE)
    file = Path(tree.settings["cells"]["ours"]["big"][0]["run"], "resamples.json")
    file.write_text(file.read_text().replace("50", "51", 1))
    with pytest.raises(ValueError, match=r"siamese~toy/seed0/metrics\.json is stale, .* beside it lie"):
        tree.make()
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"resamples\.json does not exist; make it again: snakemake"):
        tree.make()
