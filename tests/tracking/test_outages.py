"""MLflow away, silent or read-only: one line within 30 s, no password in it, nothing lost in the end."""

import contextlib
import fcntl
import importlib.util
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from sdetr.files import sha256
from sdetr.tracking import alone, door
from sdetr.tracking.check import check
from sdetr.tracking.store import TrackingError
from sdetr.tracking.sync import sync
from tests.tracking.conftest import ROOT, Tree

PASSWORD = "hunter2-is-secret"


@pytest.fixture
def silent() -> Iterator[int]:
    """Port of a server that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def falls_silent() -> Iterator[int]:
    """Answers whoever asks for its health, and nobody else."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if b"/health" in connection.recv(4096):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.fixture
def dribbling() -> Iterator[int]:
    """Says a byte a second, and is never done; but is quick to say that it is well under /well."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:

        def dribble(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                if b"/well/health" in connection.recv(4096):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(120):
                    connection.sendall(b"x")
                    time.sleep(1)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=dribble, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def run_sync(tree: Tree, uri: str) -> tuple[int, str, float]:
    """Exit code, both streams and seconds of `sdetr sync`, as a user types it."""
    if not (tree.root / "params").exists():
        (tree.root / "params").symlink_to(ROOT / "params")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    environment |= {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_PASSWORD": PASSWORD, "MLFLOW_TRACKING_URI": uri}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "sdetr", "sync", "--scale", "smoke"],
        cwd=tree.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, time.monotonic() - began


def assert_one_line_and_then_nothing_is_lost(tree: Tree, uri: str) -> None:
    code, said, seconds = run_sync(tree, uri)
    assert code == 2
    assert seconds <= 30
    assert len(said.splitlines()) == 1, said
    assert said.startswith("sdetr sync: ")
    assert PASSWORD not in said
    assert not sync(tree.plan, tree.root).left
    assert not [one for one in check(tree.plan, tree.root) if one.fault]


def test_fault_60_a_closed_port(tree):
    assert_one_line_and_then_nothing_is_lost(tree, f"http://user:{PASSWORD}@127.0.0.1:{closed_port()}")


def test_fault_60_a_server_that_accepts_and_never_answers(tree, silent):
    assert_one_line_and_then_nothing_is_lost(tree, f"http://user:{PASSWORD}@127.0.0.1:{silent}")


def test_a_server_that_falls_silent_after_a_first_word(tree, falls_silent):
    assert_one_line_and_then_nothing_is_lost(tree, f"http://user:{PASSWORD}@127.0.0.1:{falls_silent}")


def test_fault_60_a_server_that_dribbles_a_byte_a_second(tree, dribbling):
    assert_one_line_and_then_nothing_is_lost(tree, f"http://user:{PASSWORD}@127.0.0.1:{dribbling}")


def test_a_server_that_dribbles_behind_a_first_word(tree, dribbling, monkeypatch):
    monkeypatch.setattr(door, "REACH_S", 2)
    monkeypatch.setattr(door, "PATIENCE_S", 2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:{PASSWORD}@127.0.0.1:{dribbling}/well")
    began = time.monotonic()
    with pytest.raises(TrackingError, match="refused the first call"):
        sync(tree.plan, tree.root)
    assert time.monotonic() - began < 6


def test_an_alarm_that_is_swallowed_comes_again(monkeypatch):
    monkeypatch.setattr(door, "AGAIN_S", 0.1)
    began, heard = time.monotonic(), 0
    with pytest.raises(TimeoutError, match="no answer"), door._limited(0.1):
        while time.monotonic() < began + 5:
            try:
                time.sleep(5)
            except TimeoutError:
                heard += 1
                if heard == 3:
                    raise
    assert heard == 3
    time.sleep(0.3)  # nothing rings any more


def test_a_slow_store_holds_nobody_up_for_longer_than_was_allowed(tree, monkeypatch):
    import mlflow

    slow = mlflow.MlflowClient.create_run

    def sluggish(self, *arguments, **named):
        time.sleep(8)
        return slow(self, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(mlflow.MlflowClient, "create_run", sluggish)
        began = time.monotonic()
        said = sync(tree.plan, tree.root, longest_s=3)
        assert time.monotonic() - began < 6
    assert said.left and said.reason == "the time was up"
    assert not sync(tree.plan, tree.root).left


def test_a_database_whose_driver_is_not_installed(tree, silent):
    code, said, _ = run_sync(tree, f"postgresql+nosuchdriver://user:{PASSWORD}@127.0.0.1:{silent}/mlflow")
    assert (code, len(said.splitlines())) == (2, 1), said
    if importlib.util.find_spec("psycopg2") is None:
        code, said, _ = run_sync(tree, f"postgresql://user:{PASSWORD}@127.0.0.1:{silent}/mlflow")
        assert (code, len(said.splitlines())) == (2, 1), said
        assert "psycopg2" in said and PASSWORD not in said


def test_fault_60_a_database_server_that_is_away(tree):
    uri = f"postgresql://user:{PASSWORD}@127.0.0.1:{closed_port()}/mlflow"
    assert_one_line_and_then_nothing_is_lost(tree, uri)


def test_fault_60_a_database_that_may_only_be_read(tree):
    uri = f"sqlite:///file:{tree.root / 'mlflow.db'}?mode=ro&uri=true"
    assert_one_line_and_then_nothing_is_lost(tree, uri)


def test_fault_60_a_database_of_a_newer_mlflow(tree):
    newer = tree.root / "newer.db"
    shutil.copy(tree.root / "mlflow.db", newer)
    with contextlib.closing(sqlite3.connect(newer)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    before = newer.read_bytes()
    assert_one_line_and_then_nothing_is_lost(tree, f"sqlite:///{newer}")
    assert newer.read_bytes() == before


def test_a_second_sync_beside_a_first_one_says_so_instead_of_writing_too(tree, monkeypatch):
    monkeypatch.setattr(alone, "LOCK_S", 0.2)
    with (tree.root / "data/mlflow.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrackingError, match="another sync is at work here"):
            sync(tree.plan, tree.root)
        with pytest.raises(TrackingError, match="another sync is at work here"):
            list(check(tree.plan, tree.root))


def test_fault_64_nothing_that_is_sent_or_written_holds_a_secret_of_the_environment(tree, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", PASSWORD)
    settings = next(tree.root.glob("data/smoke/finetune/*/conditional/swav_r50/seed0/settings.yaml"))
    address = f"http://me:{PASSWORD}x@host/file"
    settings.write_text(settings.read_text() + f"note: {PASSWORD}\naddress: {address}\n")
    record = json.loads((settings.parent / "run.json").read_text())
    record["inputs"]["settings"]["sha256"] = sha256(settings)
    record["device"] = f"cpu {PASSWORD}"
    (settings.parent / "run.json").write_text(json.dumps(record))
    assert not sync(tree.plan, tree.root).left
    written = [tree.root / "mlflow.db", *(tree.root / "mlartifacts").rglob("*"), *tree.root.rglob("mlflow.*")]
    files = [path for path in written if path.is_file()]
    assert len(files) > 5
    contents = {path: path.read_bytes() for path in files}
    assert [path for path, content in contents.items() if PASSWORD.encode() in content] == []
    assert any(b"note: ***" in content and b"http://host/file" in content for content in contents.values())


def test_verbs_but_sync_never_import_mlflow():
    code = (
        "import sys, sdetr.cli, sdetr.training.finetune, sdetr.training.pretrain, sdetr.training.backbone,"
        " sdetr.training.features, sdetr.evaluation.stage, sdetr.report.table, sdetr.tracking.sync,"
        " sdetr.tracking.follow, sdetr.tracking.check\n"
        "assert not {'mlflow', 'sqlalchemy', 'alembic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
