"""Programs that serve: started as somebody who is not root, marked, and ended with whoever started them."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

IS_ROOT = os.geteuid() == 0
MARK = "SDETR_SERVANT_OF"
"""In the environment of all that is started: what a killed master leaves behind is found by it."""
READY_S, STOP_S = 180, 30
LISTENS = "0A"
"""State of a socket in /proc/net/tcp."""
WITH_ITS_MASTER = ("env", "--default-signal=INT", "setpriv", "--no-new-privs", "--pdeathsig=INT")
"""Ends when its master does, even if that is killed, or ignores SIGINT as all that shells begin in the
background."""


class ServerError(Exception):
    """A line for whoever started it."""


class Servants:
    """Of one folder; what they say goes to `<name>.log` there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", MARK: str(folder)}
        self._serving: dict[str, subprocess.Popen[bytes]] = {}

    def own(self, name: str, user: str, mode: int = 0o700) -> Path:
        """A folder in which this user may write. Raises ServerError."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        if IS_ROOT:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        folder.chmod(mode)
        if not self.can(user, "test", "-w", folder):
            raise ServerError(f"{user} cannot enter {folder}: choose another place by SDETR_TRACKING_DIR")
        return folder

    def can(self, user: str, *words: object) -> bool:
        """Whether a command ends well."""
        return self._done(user, words).returncode == 0

    def run(self, user: str, *words: object, said: str = "") -> None:
        """To its end. Raises ServerError."""
        done = self._done(user, words, said)
        if done.returncode:
            last = "\n".join(done.stdout.strip().splitlines()[-5:])
            raise ServerError(f"{Path(str(words[0])).name} failed: {last}")

    def serve(
        self, name: str, user: str, words: Sequence[object], environment: Mapping[str, str] = {}
    ) -> None:
        """Until it is ended. Passwords belong into its environment: everybody reads the words."""
        log = os.open(self._log(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(log, "wb") as file:
            self._serving[name] = subprocess.Popen(
                [*WITH_ITS_MASTER, *map(str, words)],
                **_identity(user),
                env={**self._environment, **environment},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the master alone, who ends one after the other
            )

    def wait_until(self, is_ready: Callable[[], bool], seconds: float = READY_S) -> None:
        """Raises ServerError when one ends, or the time does."""
        until = time.monotonic() + seconds
        while not is_ready():
            for name, process in self._serving.items():
                if process.poll() is not None:
                    last = self._log(name).read_text(errors="replace").strip().splitlines()[-5:]
                    raise ServerError("\n".join([f"{name} ended:", *last, f"all of it: {self._log(name)}"]))
            if time.monotonic() > until:
                raise ServerError(f"no answer within {seconds:.0f} s; see {self._folder}/*.log")
            time.sleep(0.3)

    def stop(self) -> None:
        """The last that came goes first."""
        for process in reversed(self._serving.values()):
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def end_leftovers(self) -> None:
        """Of a master that was killed. Raises ServerError."""
        until = time.monotonic() + STOP_S
        while left := list(self._marked()):
            if time.monotonic() > until:
                raise ServerError(f"processes of an earlier server do not end: {left}")
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGINT)
            time.sleep(0.5)

    def _marked(self) -> Iterator[int]:
        mark = f"{MARK}={self._folder}".encode()
        for file in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in file.read_bytes().split(b"\0"):
                    yield int(file.parent.name)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _done(self, user: str, words: Sequence[object], said: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*WITH_ITS_MASTER, *map(str, words)],
            **_identity(user),
            env=self._environment,
            cwd="/",
            input=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _identity(user: str) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if IS_ROOT else {}


def make_user(name: str) -> None:
    """One of the machine's own, who cannot log in. Raises ServerError."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        words = ["useradd", "--system", "--user-group", "--no-create-home", "--shell=/usr/sbin/nologin", name]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise ServerError(f"no user {name} could be made: {done.stdout.strip()}") from None


def listening(port: int) -> set[int]:
    """Numbers of the users whose processes take connections there; Linux keeps a list."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in _table(Path("/proc/net", name))]
    return {int(line[7]) for line in lines if line[3] == LISTENS and int(line[1].split(":")[1], 16) == port}


def _table(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:] if path.exists() else []


def install(*packages: str) -> None:
    """By apt-get, as root; raises ServerError where that cannot be."""
    named = " ".join(packages)
    if not (IS_ROOT and shutil.which("apt-get")):
        raise ServerError(f"missing: {named}; as root: apt-get install {named}")
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL).returncode:
            raise ServerError(f"apt-get could not install {named}")
