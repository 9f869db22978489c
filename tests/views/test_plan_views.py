"""The plan: a file of pairs that depends on (seed, image, draw) alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sdetr.views.pairs import plan_pair
from sdetr.views.stage import plan_views
from sdetr.views.store import ViewPlan
from tests.killing import killed_while_writing

BARE = 21


def test_equal_settings_give_equal_bytes_and_others_do_not(planned: Callable[..., Path]) -> None:
    one = planned().read_bytes()
    assert one == planned().read_bytes()
    for changes in ({"seed": 1}, {"iou": 0.3}, {"short": [64]}, {"draws": 3}):
        assert planned(**changes).read_bytes() != one


def test_a_plan_killed_while_it_was_written_is_made_again_with_the_same_bytes(
    planned: Callable[..., Path],
) -> None:
    out = planned()
    before = out.read_bytes()
    out.unlink()
    settings = out.parents[3] / "settings.yaml"
    killed_while_writing(out, "views", "--settings", settings, "--out", out)
    assert not out.exists()
    plan_views(settings, out)
    assert out.read_bytes() == before


def test_a_pair_is_what_its_seed_image_and_draw_say_whatever_else_is_planned(
    planned: Callable[..., Path], noise: Path, tmp_path: Path
) -> None:
    content = json.loads(noise.read_text())
    fewer = noise.with_name("fewer.json")
    fewer.write_text(json.dumps(content | {"images": content["images"][4:][::-1]}))
    all_, some = ViewPlan(planned()), ViewPlan(planned(index=fewer, draws=1))
    mine, theirs = all_.draw(0), some.draw(0)
    for row, image_id in enumerate(theirs.image_ids):
        at = mine.image_ids.tolist().index(image_id)
        assert all((a[at] == b[row]).all() for a, b in zip(mine, theirs, strict=True))


def test_draws_and_seeds_cut_other_views(planned: Callable[..., Path], plan: ViewPlan) -> None:
    other = ViewPlan(planned(seed=1))
    for theirs in (plan.draw(1), other.draw(0)):
        same = (plan.draw(0).views == theirs.views).all(axis=(1, 2))
        assert not same.any()


def test_siamese_t15_images_of_one_seed_share_no_stream(run_of) -> None:
    boxes = np.array([[0.0, 0, 100, 75]])
    pairs = [plan_pair(run_of(), image_id, (75, 100), boxes, 0) for image_id in range(50)]
    assert len({tuple(pair.views.ravel()) for pair in pairs}) == 50


def test_the_plan_reads_back_what_was_drawn(plan: ViewPlan, run_of) -> None:
    run = run_of()
    assert (plan.draws, plan.regions, plan.counts) == (2, 5, [10, 10])
    for draw in range(2):
        for row in range(10):
            pair = plan.pair(draw, row)
            assert pair.views.shape == (2, 4)
            assert pair.regions.shape == (5, 4)
            width, height = pair.size[::-1]
            assert (pair.views >= 0).all()
            assert (pair.views <= np.array([width, height, width, height]) + 1e-4).all()
            outer = np.concatenate([pair.views[:, :2].min(0), pair.views[:, 2:].max(0)])
            assert (outer[2:] - outer[:2] <= np.array(pair.view_size[::-1]) + 1e-3).all()
            assert min(pair.size) in run.short or max(pair.size) == run.longest
            assert isinstance(pair.image_id, int)
            assert isinstance(pair.flipped, bool)


def test_an_image_without_proposals_is_left_out_named_and_counted(
    planned: Callable[..., Path], noise: Path
) -> None:
    out = planned()
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["run"] == "views/protocol/recipe/seed0"
    assert record["counts"] == {"images": 11, "views": 20, "left_out": 2}
    assert record["left_out"] == {"0": ["7.png"], "1": ["7.png"]}
    assert record["inputs"]["dataset"]["path"] == str(noise)
    assert list(record["outputs"]) == ["seed0.parquet"]
    assert BARE not in ViewPlan(out).draw(0).image_ids


def test_a_draw_without_any_image_is_refused_and_leaves_nothing(
    planned: Callable[..., Path], noise: Path
) -> None:
    content = json.loads(noise.read_text())
    bare = noise.with_name("bare.json")
    bare.write_text(json.dumps(content | {"images": [i for i in content["images"] if i["id"] == BARE]}))
    with pytest.raises(ValueError, match="draw 0 has no image"):
        planned(index=bare)


def test_fault_49_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.parquet"):
        ViewPlan(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("no plan")
    with pytest.raises(ValueError, match=r"text\.parquet holds no planned views"):
        ViewPlan(tmp_path / "text.parquet")


def test_fault_49_a_torn_plan_is_named_with_the_verb_that_makes_it_again(
    planned: Callable[..., Path],
) -> None:
    path = planned()
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(40) + content[44:])
    with pytest.raises(ValueError, match=f"{path}: part 0 of these planned views is torn .*`sdetr views`"):
        ViewPlan(path).draw(0)
    path.write_bytes(content[:-9])
    with pytest.raises(
        ValueError, match=f"{path} holds no planned views, or not all of them .*`sdetr views`"
    ):
        ViewPlan(path)


def test_planning_loads_no_torch() -> None:
    code = "import sys, sdetr.views.stage, sdetr.views.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
