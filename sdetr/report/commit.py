"""Which state of the code is here."""

import subprocess
from pathlib import Path


def current_commit(folder: Path) -> str | None:
    """Full hash of the commit checked out around `folder`; None where there is no git or no commit."""
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() or None
