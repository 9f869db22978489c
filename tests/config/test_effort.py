"""What `sdetr plan` says about the time and the disk that proposals take."""

import re
import shutil
from pathlib import Path

import pytest

from sdetr.config.compile import compile_plan
from sdetr.config.effort import effort
from sdetr.config.listing import as_text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path / "params"


def numbers(line):
    """Images, core-hours, shards, hours of a shard, gigabytes."""
    found = re.search(r"([\d,]+) images: about (\S+) core-hours \((\d+) shards of (\S+)\), (\S+) GB", line)
    return [float(word.replace(",", "")) for word in found.groups()]


def test_the_papers_proposals_say_hours_shards_and_disk():
    plan = compile_plan(ROOT / "params", "paper")
    (line,) = [line for line in effort(plan) if line.startswith("proposals/imagenet-train/edgeboxes: ")]
    images, hours, shards, each, disk = numbers(line)
    assert images == 1281167 and shards == plan.shards
    assert hours == pytest.approx(images * 0.43 / 3600, rel=0.01)
    assert each == pytest.approx(hours / shards, rel=0.03)
    assert disk == pytest.approx(images * 5400 / 1e9, rel=0.03)
    assert line in as_text(plan).splitlines()


def test_small_scales_say_nothing():
    assert effort(compile_plan(ROOT / "params", "demo")) == []


@pytest.mark.parametrize(
    "proposer, seconds, size",
    [
        ("selective-search", 0.053, 1800 + 9 * 265),
        ("selective-search-native", 0.92, 10800),
        ("selective-search-quality", 0.21, 4700),
        ("random", 0.0001, 1700),
    ],
)
def test_each_proposer_has_its_own_cost_and_rankings_cost_disk_alone(params, proposer, seconds, size):
    recipe = params / "views" / "siamese-pairs.yaml"
    recipe.write_text(recipe.read_text().replace("proposer: edgeboxes", f"proposer: {proposer}"))
    lines = effort(compile_plan(params, "paper"))
    (line,) = [line for line in lines if line.startswith(f"proposals/imagenet-train/{proposer}: ")]
    images, hours, _, _, disk = numbers(line)
    assert hours == pytest.approx(images * seconds / 3600, rel=0.01)
    assert disk == pytest.approx(images * size / 1e9, rel=0.03)
