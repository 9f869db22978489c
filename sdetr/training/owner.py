"""One process owns a run folder; whoever comes second hears whose it is."""

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

log = logging.getLogger(__name__)

BEAT_S = 10.0
MISSED = 3
"""Beats without which an owner on another machine is taken for dead."""

Owner = dict[str, Any]


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Raises ValueError, naming the owner, if a live process has it, here or on another machine.

    A lock of the system ends with its process, but not every shared file system tells other machines. So the
    owner's heart beats as well: the lock file's time moves. An owner elsewhere is watched for some beats;
    no machine's clock is compared with another's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lock"
    with path.open("a+b") as file:
        locked = _locked(file, folder, path)
        left = _said(path)
        if left and (left["host"] != socket.gethostname() or not locked):
            _refuse_alive(folder, path, left)
        if left:
            log.warning("%s was left by %s, which is gone; taken over", folder, _who(left))
        own = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
        path.write_text(json.dumps(own))
        gone = threading.Event()
        heart = threading.Thread(target=_beat, args=(path, own, gone), daemon=True)
        heart.start()
        try:
            yield
        finally:
            gone.set()
            heart.join()
            path.write_text("")


def _locked(file: IO[bytes], folder: Path, path: Path) -> bool:
    """False where the file system has no locks. Raises ValueError if another process has this one."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(_refusal(folder, path, _said(path))) from None
    except OSError as error:
        log.warning("%s: no locks here (%s); only heartbeats tell who works on it", folder, error.strerror)
        return False
    return True


def _refuse_alive(folder: Path, path: Path, left: Owner) -> None:
    """Raises ValueError as soon as the owner's heart beats."""
    seen = path.stat().st_mtime_ns
    log.info(
        "%s is said to belong to %s; listening for its heart for %.0f s", folder, _who(left), MISSED * BEAT_S
    )
    until = time.monotonic() + MISSED * BEAT_S
    while time.monotonic() < until:
        time.sleep(BEAT_S / 10)
        if path.stat().st_mtime_ns != seen:
            raise ValueError(_refusal(folder, path, left))


def _refusal(folder: Path, path: Path, owner: Owner | None) -> str:
    whose = _who(owner) if owner else "another process, which has only just come"
    age = max(time.time() - path.stat().st_mtime, 0.0)
    return f"{folder} belongs to {whose}; its heart beat {age:.0f} s ago: wait for it, or end it"


def _who(owner: Owner) -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner["since"]))
    return f"process {owner['pid']} on {owner['host']}, since {since}"


def _said(path: Path) -> Owner | None:
    """The last owner's words; None if it let go, or was killed before it said a whole one."""
    try:
        said: Owner = json.loads(path.read_text() or "null")
    except ValueError:
        return None
    return said


def _beat(path: Path, own: Owner, gone: threading.Event) -> None:
    while not gone.wait(BEAT_S):
        try:
            if (now := _said(path)) != own:
                # Taken for dead, as after a long sleep of this machine. The new owner's files stay its own.
                whose = _who(now) if now else "nobody that it names"
                log.critical("%s has a new owner, %s; this process ends", path.parent, whose)
                logging.shutdown()
                os._exit(1)
            os.utime(path)
        except OSError as error:  # a shared file system stumbles now and then; the next beat may be heard
            log.warning("%s: %s", path, error)
