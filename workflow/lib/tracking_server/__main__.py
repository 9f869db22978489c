"""MLflow for several machines: PostgreSQL behind it, a password before it, and neither of them root.

IN    uv.lock (group `server`), SDETR_TRACKING_DIR
OUT   all in that folder: the database, artifacts, the password, logs, and the packages that MLflow runs on
"""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from workflow.lib.tracking_server.servants import IS_ROOT, ServerError
from workflow.lib.tracking_server.server import TrackingServer, is_loopback

PLACE = "/var/lib/sdetr/tracking" if IS_ROOT else "~/.local/state/sdetr/tracking"
"""Root's home is closed to everybody who could serve."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WARNING = """WARNING: {0} is open to the network, and nothing is encrypted: who listens there reads passwords.
WARNING: without HOST= it is open to this machine alone, and others come by ssh -N -L {1}:127.0.0.1:{1}
"""


class AnotherError(Exception):
    """One is at it already; what that one said."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tracking-server", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5001)
    parser.add_argument("--allowed", default="", help="other names by which this machine is called: a,b")
    asked = parser.parse_args(arguments)
    os.umask(0o022)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, _end)
    try:
        folder = _folder()
        server = TrackingServer(folder, asked.host, asked.port, asked.allowed)
        with _alone(folder, server.ready):
            if not is_loopback(asked.host):
                sys.stderr.write(WARNING.format(asked.host, asked.port))
            _serve(server)
    except AnotherError as other:
        sys.stdout.write(f"It runs already.\n{other}")
    except (ServerError, OSError, KeyError) as error:  # KeyError: no such user
        sys.stderr.write(f"tracking-server: {error}\n")
        sys.exit(2)


def _serve(server: TrackingServer) -> None:
    try:
        server.start()
        sys.stdout.write(server.ready)
        sys.stdout.flush()
        server.servants.wait_until(lambda: False, seconds=float("inf"))
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        server.servants.stop()


def _folder() -> Path:
    folder = Path(os.environ.get("SDETR_TRACKING_DIR") or PLACE).expanduser().resolve()
    folder.mkdir(mode=0o711 if IS_ROOT else 0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def _alone(folder: Path, said: str) -> Iterator[None]:
    """Raises AnotherError."""
    with (folder / "running").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AnotherError(file.read()) from None
        file.truncate(0)
        file.write(said)
        file.flush()
        yield


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit


if __name__ == "__main__":
    main()
