"""The live view: it ends by itself, and outages are waited for."""

import json
import logging
import os
import socket
import time

import pytest

from sdetr.tracking import follow, liveness
from sdetr.tracking.observe import Observer
from sdetr.tracking.store import TrackingError
from sdetr.tracking.sync import Synced, sync
from tests.tracking.conftest import SCRATCH


def test_it_goes_on_while_something_is_live_or_killed_and_through_an_outage_told_once(
    tree, monkeypatch, caplog
):
    total = len([job for job in tree.plan.jobs.values() if job.stage != "evaluate"])
    away = TrackingError("MLflow at x does not answer")
    killed, whole = Synced(total, live=0, whole=total - 1), Synced(total, live=0, whole=total)
    rounds = [Synced(1, 1), away, away, Synced(total, 1, total - 1), killed, whole]

    def one_round(plan, root):
        found = rounds.pop(0)
        if isinstance(found, TrackingError):
            raise found
        return found

    monkeypatch.setattr(follow, "sync", one_round)
    monkeypatch.setattr(follow.time, "sleep", lambda seconds: None)
    with caplog.at_level(logging.INFO):
        follow.follow(tree.plan, tree.root, every_s=1)
    assert rounds == []
    assert caplog.text.count("does not answer") == 1


@pytest.mark.skipif(not liveness.LOCKS.exists(), reason="the kernel does not list its locks here")
def test_a_run_on_this_machine_lives_as_long_as_its_lock_is_held(tmp_path):
    import fcntl

    record = {"starts": [{"host": socket.gethostname()}]}
    (tmp_path / "metrics.jsonl").touch()
    assert not liveness.is_alive(tmp_path, record)
    with (tmp_path / "lock").open("wb") as lock:
        assert not liveness.is_alive(tmp_path, record)
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert liveness.is_alive(tmp_path, record)
    assert not liveness.is_alive(tmp_path, record)


def test_a_run_elsewhere_lives_as_long_as_it_writes(tmp_path):
    record = {"starts": [{"host": "elsewhere"}]}
    (tmp_path / "metrics.jsonl").touch()
    assert liveness.is_alive(tmp_path, record)
    before = time.time() - liveness.QUIET_S - 5
    os.utime(tmp_path / "metrics.jsonl", (before, before))
    (tmp_path / "mlflow.json").touch()  # what the mirror writes is no sign of life
    assert not liveness.is_alive(tmp_path, record)


def test_only_what_is_finished_with_the_plans_settings_and_measured_is_whole(tree):
    total = len(Observer(tree.plan, tree.root).jobs())
    assert sync(tree.plan, tree.root).whole == total
    run, metrics = tree.folder(SCRATCH) / "run.json", tree.folder(SCRATCH) / "metrics.json"
    record, measured = run.read_text(), metrics.read_text()
    metrics.unlink()
    assert sync(tree.plan, tree.root).whole == total - 1
    metrics.write_text(measured)
    stale = json.loads(record)
    stale["inputs"]["settings"]["sha256"] = "0" * 64
    run.write_text(json.dumps(stale))
    assert sync(tree.plan, tree.root).whole == total - 1
    run.write_text(record)
    curve = tree.begin(SCRATCH, lines=3)
    for path in curve.parent.iterdir():
        os.utime(path, (0, 0))
    killed = sync(tree.plan, tree.root)
    assert (killed.runs, killed.live, killed.whole) == (total, 0, total - 1)
