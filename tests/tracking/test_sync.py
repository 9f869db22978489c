"""Run folders in MLflow: each once, whole, at the times that the runs wrote, and again after any loss."""

import contextlib
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter

import pytest

from sdetr.config.job import STAGES
from sdetr.tracking import liveness
from sdetr.tracking.check import check
from sdetr.tracking.door import Door
from sdetr.tracking.store import TrackingError
from sdetr.tracking.sync import sync
from tests.tracking.conftest import BEGAN, PRETRAIN, ROOT, SCRATCH, SIAMESE, Tree, write_curve

READS = {
    "search_experiments",
    "search_runs",
    "list_artifacts",
    "get_run",
    "get_logged_model",
    "get_experiment_by_name",
}


def rows(tree: Tree) -> dict[str, int]:
    """How much the database holds, table by table."""
    with sqlite3.connect(tree.root / "mlflow.db") as db:
        names = [n for (n,) in db.execute("select name from sqlite_master where type = 'table'")]
        return {name: db.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}


def ask(tree: Tree, query: str, *values: object) -> list[tuple]:
    with sqlite3.connect(tree.root / "mlflow.db") as db:
        return db.execute(query, values).fetchall()


def runs(tree: Tree, path: str, stage: str = "active") -> list[tuple[str, str]]:
    """Id and status of a path's runs."""
    query = (
        "select r.run_uuid, r.status from runs r join tags t on t.run_uuid = r.run_uuid "
        "where t.key = 'run' and t.value = ? and r.lifecycle_stage = ? order by r.start_time"
    )
    return ask(tree, query, path, stage)


def points(tree: Tree, run_id: str, key: str) -> list[tuple[int, int, float]]:
    query = (
        "select step, timestamp, value from metrics where run_uuid = ? and key = ? order by step, timestamp"
    )
    return ask(tree, query, run_id, key)


def faults(tree: Tree) -> list[str]:
    return [str(one) for one in check(tree.plan, tree.root) if one.fault]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """What goes through the door, by method."""
    counted: Counter = Counter()
    through = Door.__call__

    def counting(self: Door, method: str, *arguments: object, **named: object) -> object:
        counted[method] += 1
        return through(self, method, *arguments, **named)

    monkeypatch.setattr(Door, "__call__", counting)
    return counted


@pytest.fixture
def synced(tree: Tree) -> Tree:
    assert not sync(tree.plan, tree.root).left
    return tree


@pytest.fixture
def all_synced(whole: Tree) -> Tree:
    assert not sync(whole.plan, whole.root).left
    return whole


def test_every_declared_output_is_there_and_a_second_sync_writes_nothing(all_synced, calls):
    assert faults(all_synced) == []
    checked = [one.file for one in check(all_synced.plan, all_synced.root)]
    jobs = all_synced.plan.jobs.values()
    # Rehearsals are of studies alone: tests/workflow/test_study.py.
    assert {job.stage for job in jobs} == set(STAGES) - {"rehearse"}
    assert sorted(checked) == sorted(file for job in jobs for file in job.outputs.values())
    calls.clear()
    before = rows(all_synced)
    again = sync(all_synced.plan, all_synced.root)
    assert again.runs > 8 and not again.left
    assert rows(all_synced) == before
    assert set(calls) <= READS


def test_curves_have_the_stored_times_and_the_numbers_of_the_end(synced):
    ((run_id, status),) = runs(synced, SCRATCH)
    assert status == "FINISHED"
    assert points(synced, run_id, "train/total") == [
        (step, int(1000 * (BEGAN + step)), pytest.approx(10 / (step + 1))) for step in range(12)
    ]
    assert [value for _, _, value in points(synced, run_id, "AP")] == [12.5]
    assert points(synced, run_id, "system/peak_memory_megabytes")[0][2] == 256
    ((began, ended),) = ask(synced, "select start_time, end_time from runs where run_uuid = ?", run_id)
    assert (began, ended) == (1000 * BEGAN, 1000 * (BEGAN + 60))


def test_what_a_run_was_made_from_is_linked_both_ways(all_synced):
    def note(path: str) -> str:
        ((run_id, _),) = runs(all_synced, path)
        query = "select value from tags where run_uuid = ? and key = 'mlflow.note.content'"
        return ask(all_synced, query, run_id)[0][0]

    (pretrained, _), (tuned, _) = *runs(all_synced, PRETRAIN), *runs(all_synced, SIAMESE)
    assert f"/runs/{pretrained}?" in note(SIAMESE)
    assert f"/runs/{tuned}?" in note(PRETRAIN)
    assert f"/runs/{pretrained}?" in note("tables/siamese-voc") or f"/runs/{tuned}?" in note(
        "tables/siamese-voc"
    )
    used = ask(
        all_synced, "select source_id from inputs where destination_id = ? or source_id = ?", tuned, tuned
    )
    assert used


def test_a_database_that_was_deleted_is_filled_again(synced):
    before = rows(synced)
    (synced.root / "mlflow.db").unlink()
    shutil.rmtree(synced.root / "mlartifacts")
    (synced.root / "plan.pickle").write_bytes(pickle.dumps(synced.plan))
    code = (
        "import pickle, pathlib; from sdetr.tracking import check, sync; root = pathlib.Path()\n"
        "plan = pickle.loads((root / 'plan.pickle').read_bytes())\n"
        "assert all(one.fault for one in check.check(plan, root))\n"
        "assert not sync.sync(plan, root).left\n"
        "assert not any(one.fault for one in check.check(plan, root))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=synced.root, env=environment, check=True)
    assert rows(synced) == before


def test_memories_that_were_lost_make_no_second_run_and_no_second_picture(all_synced):
    before = rows(all_synced)
    images = sorted(path.name for path in (all_synced.root / "mlartifacts").rglob("*.webp"))
    for path in all_synced.root.rglob("mlflow.json"):
        path.unlink()
    assert not sync(all_synced.plan, all_synced.root).left
    assert rows(all_synced) == before
    assert sorted(path.name for path in (all_synced.root / "mlartifacts").rglob("*.webp")) == images


def test_a_live_curve_grows_point_by_point_in_one_run_until_it_is_finished(tree, calls):
    curve = tree.begin(SCRATCH, lines=3)
    sync(tree.plan, tree.root)
    ((former, _),) = runs(tree, SCRATCH)
    assert [step for step, _, _ in points(tree, former, "train/total")] == [0, 1, 2]
    assert runs(tree, SCRATCH)[0][1] == "RUNNING"
    write_curve(curve, 7, BEGAN + 5000)
    calls.clear()
    sync(tree.plan, tree.root)
    assert calls["log_batch"] == 1
    tree.finish(SCRATCH)
    sync(tree.plan, tree.root)
    assert runs(tree, SCRATCH) == [(former, "FINISHED")]
    assert len(points(tree, former, "train/total")) == 7
    assert faults(tree) == []


def test_a_run_that_nobody_works_on_is_killed_and_runs_again_when_it_is_continued(tree):
    curve = tree.begin(SCRATCH, lines=3)
    long_ago = time.time() - 2 * liveness.QUIET_S
    for path in curve.parent.iterdir():
        os.utime(path, (long_ago, long_ago))
    sync(tree.plan, tree.root)
    ((run_id, status),) = runs(tree, SCRATCH)
    assert status == "KILLED"
    write_curve(curve, 5, BEGAN + 5000)
    sync(tree.plan, tree.root)
    assert runs(tree, SCRATCH) == [(run_id, "RUNNING")]


def test_a_curve_that_went_back_is_told_anew_and_has_no_point_twice(tree):
    curve = tree.begin(SCRATCH, lines=8)
    sync(tree.plan, tree.root)
    ((former, _),) = runs(tree, SCRATCH)
    lines = curve.read_text().splitlines(keepends=True)
    later = [json.dumps(json.loads(line) | {"time": BEGAN + 9000}) + "\n" for line in lines[5:]]
    curve.write_text("".join(lines[:5] + later))  # killed, and continued from an older state
    sync(tree.plan, tree.root)
    ((run_id, _),) = runs(tree, SCRATCH)
    steps = [step for step, _, _ in points(tree, run_id, "train/total")]
    assert steps == sorted(set(steps)) and len(steps) == 8
    assert [one for one, _ in runs(tree, SCRATCH, "deleted")] == [former]


def test_a_run_made_anew_replaces_its_former_run_which_can_be_restored(synced):
    ((former, _),) = runs(synced, SCRATCH)
    synced.begin(SCRATCH, lines=4)
    synced.finish(SCRATCH)
    sync(synced.plan, synced.root)
    ((run_id, status),) = runs(synced, SCRATCH)
    assert run_id != former and status == "FINISHED"
    assert [one for one, _ in runs(synced, SCRATCH, "deleted")] == [former]
    assert faults(synced) == []


@pytest.mark.parametrize("after", [1, 4, 9, 14])
def test_a_sync_that_broke_off_is_completed_by_the_next_and_nothing_is_there_twice(tree, monkeypatch, after):
    left = after
    through = Door.__call__

    def failing(self: Door, method: str, *arguments: object, **named: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise TrackingError("gone")
        return through(self, method, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Door, "__call__", failing)
        with contextlib.suppress(TrackingError):
            assert sync(tree.plan, tree.root).left
    assert not sync(tree.plan, tree.root).left
    assert faults(tree) == []
    images = list((tree.root / "mlartifacts").rglob("*.webp"))
    assert len(images) == 1
    assert (rows(tree)["runs"], rows(tree)["logged_models"]) == (2, 2)


def test_after_two_refusals_nobody_is_asked_any_more(whole, monkeypatch):
    refused = 0

    def refusing(self: Door, method: str, *arguments: object, **named: object) -> object:
        nonlocal refused
        if method in READS:
            return through(self, method, *arguments, **named)
        refused += 1
        raise TrackingError("gone")

    through = Door.__call__
    monkeypatch.setattr(Door, "__call__", refusing)
    said = sync(whole.plan, whole.root)
    assert refused == 2
    assert len(said.left) > 8 and said.reason == "gone"


def test_a_record_that_is_torn_is_named_and_all_others_are_mirrored(tree):
    (tree.folder(SCRATCH) / "run.json").write_text('{"run": ')
    said = sync(tree.plan, tree.root)
    assert said.left == [SCRATCH]
    assert str(said).count("\n") == 0 and SCRATCH in said.reason
    assert len(runs(tree, "backbones/swav_r50")) == 1


def test_a_run_of_other_settings_than_the_plans_says_so(tree):
    record = json.loads((tree.folder(SCRATCH) / "run.json").read_text())
    record["inputs"]["settings"]["sha256"] = "0" * 64
    (tree.folder(SCRATCH) / "run.json").write_text(json.dumps(record))
    sync(tree.plan, tree.root)
    ((run_id, _),) = runs(tree, SCRATCH)
    said = ask(tree, "select value from tags where run_uuid = ? and key = 'settings'", run_id)
    assert said == [("not the plan's: stale",)]


def test_an_output_that_changed_since_is_missing_until_the_next_sync(synced):
    metrics = synced.folder(SCRATCH) / "metrics.json"
    metrics.write_text(json.dumps({"metrics": {"AP": 13.0}}))
    assert [str(metrics.relative_to(synced.root)) in fault for fault in faults(synced)] == [True]
    sync(synced.plan, synced.root)
    assert faults(synced) == []
    metrics.unlink()
    assert len(faults(synced)) == 1


def test_numbers_have_the_time_of_the_record_and_those_measured_anew_are_what_is_shown(synced):
    ((run_id, _),) = runs(synced, SCRATCH)
    ended = int(1000 * (BEGAN + 60))
    assert [(time_ms, value) for _, time_ms, value in points(synced, run_id, "AP")] == [(ended, 12.5)]
    metrics = synced.folder(SCRATCH) / "metrics.json"
    os.utime(metrics, (1, 1))  # as after a checkout
    synced.state(SCRATCH).joinpath("mlflow.json").unlink()
    sync(synced.plan, synced.root)
    assert len(points(synced, run_id, "AP")) == 1
    metrics.write_text(json.dumps({"metrics": {"AP": 3.0}}))
    sync(synced.plan, synced.root)
    shown = ask(synced, "select value from latest_metrics where run_uuid = ? and key = 'AP'", run_id)
    assert shown == [(3.0,)]
