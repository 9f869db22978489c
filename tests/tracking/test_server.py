"""`make tracking-server`: who is let in, who serves, and that what was made without it gets there later."""

import base64
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sdetr.config.compile import compile_plan
from sdetr.tracking.check import check
from sdetr.tracking.door import Door
from sdetr.tracking.sync import sync
from tests.tracking.conftest import ROOT, Tree
from tests.tracking.test_sync import READS
from workflow.lib.tracking_server.server import USER

IS_ROOT = os.geteuid() == 0
SYSTEM = Path("/usr/bin/python3")
STARTS_S = 500
has_postgres = any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")
pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(
        not (has_postgres or IS_ROOT), reason="PostgreSQL is not installed, and only root can install it"
    ),
]


class Machine:
    """One with a tracking server, which can be up or down."""

    def __init__(
        self,
        folder: Path,
        *,
        user: str | None = None,
        python: str | Path = sys.executable,
    ) -> None:
        self.folder, self.said = folder, ""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._identity = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
        self._python, self._process = python, None

    @property
    def password(self) -> str:
        return (self.folder / "secrets/admin").read_text().strip()

    def up(self, *words: str) -> None:
        """Starts it, unless it runs."""
        if self._process:
            return
        self._process = self.start(*words)
        until = time.monotonic() + STARTS_S
        while "PASSWORD" not in (said := self._log.read_text()):
            assert self._process.poll() is None and time.monotonic() < until, said
            time.sleep(0.2)
        self.said += said

    def down(self, number: signal.Signals = signal.SIGTERM) -> int:
        if not self._process:
            return 0
        self._process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        code = self._process.wait(90)
        self._process, self.said = None, self.said + self._log.read_text()
        return code

    def start(self, *words: str) -> subprocess.Popen:
        command = [self._python, "-m", "workflow.lib.tracking_server", "--port", str(self.port), *words]
        path = f"{ROOT}/.tools/bin:{Path.home()}/.local/bin:{os.environ['PATH']}"
        environment = os.environ | {"SDETR_TRACKING_DIR": str(self.folder), "PATH": path}
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, **self._identity
            )

    def serving(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    def status(self, path: str, user: str = "", posted: bytes | None = None, **headers: str) -> int:
        if user:
            headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        if posted:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.address + path, posted, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def remove(self) -> None:
        try:
            self.down()
        finally:
            shutil.rmtree(self.folder)
            self._log.unlink()

    @property
    def _log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.said")


def place() -> Path:
    """A short path, for the sake of the socket; not in pytest's folders, which are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="tracking-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    found = Machine(place())
    yield found
    found.remove()


@pytest.fixture
def server(machine: Machine) -> Machine:
    machine.up()
    return machine


@pytest.fixture
def first(whole: Tree) -> Tree:
    """Of the tables that `sdetr sync` takes along by itself; second seeds have not been made."""
    return Tree(whole.root, compile_plan(ROOT / "params", "smoke", "first"))


def run_sync(tree: Tree) -> tuple[int, str]:
    """As a user types it, with the environment of this test."""
    if not (tree.root / "params").exists():
        (tree.root / "params").symlink_to(ROOT / "params")
    return told([sys.executable, "-m", "sdetr", "sync", "--scale", "smoke"], tree.root, PYTHONPATH=str(ROOT))


def told(command: list[str], folder: Path, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


def refused(folder: Path, port: int) -> tuple[int, str]:
    """Of one that does not come up; what it says is not the first one's log."""
    command = [sys.executable, "-m", "workflow.lib.tracking_server", "--port", str(port)]
    return told(command, ROOT, SDETR_TRACKING_DIR=str(folder))


def as_client(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", machine.address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", machine.password)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


def calls_of_a_sync(tree: Tree) -> set[str]:
    """Of one that leaves nothing."""
    seen, through = set(), Door.__call__

    def counting(self: Door, method: str, *arguments: object, **named: object) -> object:
        seen.add(method)
        return through(self, method, *arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Door, "__call__", counting)
        assert not sync(tree.plan, tree.root).left
    return seen


def as_user(name: str, *words: object) -> int:
    identity = {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
    return subprocess.run([str(word) for word in words], stderr=subprocess.DEVNULL, **identity).returncode


def assert_gone(processes: list[psutil.Process]) -> None:
    """Soon; whether or not somebody buries them."""
    until = time.monotonic() + 30
    while left := [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < until, left
        time.sleep(0.2)


def assert_whole(tree: Tree) -> None:
    made = [one for one in check(tree.plan, tree.root) if not one.fault.startswith("not made yet")]
    assert len(made) > 80
    assert [str(one) for one in made if one.fault] == []
    assert calls_of_a_sync(tree) <= READS


@pytest.mark.parametrize(
    "path", ["/", "/api/2.0/mlflow/experiments/search?max_results=1", "/api/2.0/mlflow-artifacts/artifacts"]
)
def test_only_those_who_know_the_password_are_let_in(server, path):
    assert server.status(path) == 401
    for wrong in ("admin:", "admin:password1234", f"admin:{server.password}x", f"root:{server.password}"):
        assert server.status(path, wrong) == 401
    assert server.status(path, f"admin:{server.password}") == 200


def test_it_listens_on_this_machine_alone_and_on_one_port(server):
    listening = {
        (line.laddr.ip, line.laddr.port)
        for process in server.serving()
        for line in process.net_connections("inet")
        if line.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", server.port)}


@pytest.mark.skipif(not IS_ROOT, reason="started by an ordinary user, it cannot be root")
def test_nothing_that_serves_is_root_and_mlflow_cannot_read_the_data_of_postgres(server):
    users = {process.username() for process in server.serving()}
    assert users == {USER, "postgres"}
    for path in ("data/main", "secrets/admin", "secrets/session", "postgresql.log"):
        assert (server.folder / path).exists(), path
        assert all(as_user(user, "test", "-r", server.folder / path) != 0 for user in ("nobody", USER)), path


def test_the_password_is_in_one_file_of_its_owner_and_is_told_to_nobody(server):
    listed = subprocess.run(
        ["ps", "axww", "-o", "args"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    files = [*server.folder.glob("*.log"), server.folder / "rights.ini", server.folder / "running"]
    told = server.said + listed + "".join(file.read_text() for file in files)
    assert "mlflow server" in told and "PASSWORD" in told
    for file in (server.folder / "secrets").iterdir():
        secret = file.read_text().strip()
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(secret) >= 40 and secret not in told
    read = re.search(r'MLFLOW_TRACKING_PASSWORD="\$\((.*)\)"', server.said)
    assert subprocess.check_output(["sh", "-c", read[1]], text=True).strip() == server.password


def test_a_second_one_says_that_the_first_runs(server):
    code, said = refused(server.folder, server.port)
    assert code == 0 and said.startswith("It runs already.") and server.address in said


def test_what_hinders_it_is_said_in_a_line(server, tmp_path):
    free = Machine(tmp_path).port
    code, said = refused(tmp_path, server.port)
    assert (code, len(said.splitlines())) == (2, 1) and f"127.0.0.1:{server.port} cannot be had" in said
    code, said = refused(tmp_path / ("x" * 100), free)
    assert (code, len(said.splitlines())) == (2, 1) and "is too long" in said
    if IS_ROOT:  # of whom pytest's folders are
        code, said = refused(tmp_path, free)
        assert (code, len(said.splitlines())) == (2, 1) and "postgres cannot enter" in said


def test_what_was_made_without_it_gets_there_later_once_and_outlives_ends_of_all_kinds(
    machine, first, monkeypatch
):
    machine.up()
    as_client(machine, monkeypatch)
    assert machine.down() == 0
    code, said = run_sync(first)
    assert (code, len(said.splitlines())) == (2, 1), said
    assert machine.password not in said
    machine.up()
    code, said = run_sync(first)
    assert code == 0 and "runs are in MLflow" in said, said
    assert machine.password not in said
    assert_whole(first)
    served = machine.serving()
    machine.down(signal.SIGKILL)
    for process in served:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    password, file = machine.password, machine.folder / "secrets/admin"
    file.write_text("of somebody who changed it in MLflow alone\n")
    try:
        machine.up("--host", "0.0.0.0", "--allowed", "tracking.example")
    finally:
        file.write_text(f"{password}\n")
    assert_whole(first)
    assert "WARNING: 0.0.0.0 is open to the network" in machine.said
    called = f"tracking.example:{machine.port}"
    asked = ("/ajax-api/2.0/mlflow/experiments/search", f"admin:{password}", b'{"max_results": 1}')
    assert machine.status(*asked, Host=called, Origin=f"http://{called}") == 200
    assert machine.status(*asked, Host="elsewhere.example") == 403
    assert machine.status(*asked, Host=called, Origin="http://elsewhere.example") == 403
    (mlflow,) = [p for p in machine.serving() if p.ppid() == machine._process.pid and "mlflow" in p.cmdline()]
    served = machine.serving()
    mlflow.kill()
    assert machine.ended() == 2
    assert "mlflow ended" in machine.said
    assert_gone(served)
    assert "password has been changed" in machine.said


@pytest.mark.skipif(not IS_ROOT, reason="all of this was by an ordinary user")
def test_an_ordinary_user_has_one_too_and_it_ends_with_whoever_started_it(server):
    if not SYSTEM.exists() or as_user("nobody", SYSTEM, "-c", f"open('{ROOT}/uv.lock')"):
        pytest.skip("no other user can read this project, or the system has no Python")
    mine = Machine(place(), user="nobody", python=SYSTEM)
    shutil.chown(mine.folder, "nobody", "nogroup")
    (mine.folder / "environment").symlink_to(server.folder / "environment")
    try:
        mine.up()
        served = mine.serving()
        assert {process.username() for process in served} == {"nobody"}
        assert mine.status("/") == 401
        assert mine.status("/", f"admin:{mine.password}") == 200
        assert mine.password != server.password
        mine.down(signal.SIGKILL)
        assert_gone(served)
    finally:
        mine.remove()
