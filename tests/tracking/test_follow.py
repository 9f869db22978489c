"""The live view: it ends by itself, and outages are waited for."""

import logging
import os
import socket
import time

import pytest

from sdetr.tracking import follow, liveness
from sdetr.tracking.store import TrackingError
from sdetr.tracking.sync import Synced


def test_it_goes_on_while_something_is_live_and_through_an_outage_told_once(tree, monkeypatch, caplog):
    total = len([job for job in tree.plan.jobs.values() if job.stage != "evaluate"])
    away = TrackingError("MLflow at x does not answer")
    rounds = [Synced(1, 1), away, away, Synced(total, 1), Synced(total, 0)]

    def sync(plan, root):
        found = rounds.pop(0)
        if isinstance(found, TrackingError):
            raise found
        return found

    monkeypatch.setattr(follow, "sync", sync)
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
