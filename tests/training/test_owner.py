"""A run folder has one owner: the living are named, the dead are followed."""

import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sdetr.training import owner
from sdetr.training.owner import owned

OWNING = (
    "import sys, time; from pathlib import Path; from sdetr.training import owner\n"
    "owner.BEAT_S = 0.05\n"
    "with owner.owned(Path(sys.argv[1])):\n    print('mine', flush=True)\n    time.sleep(60)\n"
)
ELSEWHERE = {"host": "n2", "pid": 7, "since": 0.0}


@contextmanager
def owner_of(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", OWNING, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "mine\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "BEAT_S", 0.2)


def test_fault_47_whoever_comes_second_hears_whose_it_is_and_changes_nothing(tmp_path: Path) -> None:
    with owner_of(tmp_path) as process:
        said = (tmp_path / "lock").read_text()
        whose = f"process {process.pid} on {socket.gethostname()}, since 20.*; its heart beat 0 s ago"
        with pytest.raises(ValueError, match=whose), owned(tmp_path):
            pass
        assert (tmp_path / "lock").read_text() == said


def test_fault_47_a_folder_whose_owner_was_killed_is_taken_over_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with owner_of(tmp_path) as process:
        process.kill()
        process.wait()
        with owned(tmp_path):
            assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
        assert f"was left by process {process.pid} on " in caplog.text


def test_fault_51_a_heart_that_beats_on_another_machine_is_heard_though_its_clock_is_an_hour_off(
    tmp_path: Path, quick: None
) -> None:
    lock, gone = tmp_path / "lock", threading.Event()
    lock.write_text(json.dumps(ELSEWHERE))

    def beat() -> None:
        while not gone.wait(0.02):
            os.utime(lock, (time.time() + 3600,) * 2)

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(ValueError, match="belongs to process 7 on n2"), owned(tmp_path):
            pass
    finally:
        gone.set()
        heart.join()


def test_fault_47_an_owner_on_another_machine_whose_heart_is_still_is_followed(
    tmp_path: Path, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lock").write_text(json.dumps(ELSEWHERE))
    began = time.monotonic()
    with owned(tmp_path):
        assert time.monotonic() - began >= owner.MISSED * owner.BEAT_S
    assert "was left by process 7 on n2" in caplog.text and (tmp_path / "lock").read_text() == ""


def test_fault_47_where_there_are_no_locks_the_heart_tells(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(owner.fcntl, "flock", no_locks)
    with (
        owner_of(tmp_path) as process,
        pytest.raises(ValueError, match=f"belongs to process {process.pid} "),
        owned(tmp_path),
    ):
        pass


def test_fault_47_whoever_was_taken_for_dead_ends_before_it_writes_again(tmp_path: Path) -> None:
    with owner_of(tmp_path) as process:
        (tmp_path / "lock").write_text(json.dumps(ELSEWHERE))
        assert process.wait(timeout=20) == 1
        assert process.stderr is not None and "a new owner, process 7 on n2" in process.stderr.read()


def test_words_that_were_cut_off_name_nobody_and_stop_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"host": "n2", "pi')
    with owned(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["host"] == socket.gethostname()
