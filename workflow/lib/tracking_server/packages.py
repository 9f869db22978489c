"""What MLflow runs on: of the lock, where its user can read it, which a project in root's home is not."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from workflow.lib.tracking_server.servants import Servants, ServerError, install

PROJECT = Path(__file__).parents[3]
SYSTEM = "/usr/bin/python3"
FITS = "import ssl, sys; sys.exit(sys.version_info < (3, 11))"


def python_for(user: str, servants: Servants, place: Path) -> Path:
    """Of an environment in `place`, made again when the lock has changed. Raises ServerError."""
    made, digest = place / "made-from", hashlib.sha256((PROJECT / "uv.lock").read_bytes()).hexdigest()
    python = place / "bin" / "python"
    if not (made.exists() and made.read_text() == digest and servants.can(user, python, "-c", FITS)):
        sys.stdout.write(f"bringing packages into {place}\n")
        sys.stdout.flush()
        _sync(place, _interpreter(user, servants))
        made.write_text(digest)
    return python


def _sync(place: Path, interpreter: str) -> None:
    words = ["sync", "--locked", "--only-group", "server", "--compile-bytecode", "--quiet"]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        [os.environ.get("UV", "uv"), *words, "--python", interpreter],
        cwd=PROJECT,
        env=environment | {"UV_PROJECT_ENVIRONMENT": str(place)},
    )
    if done.returncode:
        raise ServerError("uv could not bring the packages of group `server`")


def _interpreter(user: str, servants: Servants) -> str:
    """This one, unless it is in root's home, too."""
    for path in (os.path.realpath(sys.executable), SYSTEM):
        if servants.can(user, path, "-c", FITS):
            return path
    install("python3")
    if not servants.can(user, SYSTEM, "-c", FITS):
        raise ServerError(f"{user} has no Python that is 3.11 or newer: {SYSTEM} is older")
    return SYSTEM
