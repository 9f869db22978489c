"""Which state of the code is here."""

import subprocess
from pathlib import Path

CODE = Path(__file__).parent


def current_commit(folder: Path = CODE) -> str | None:
    """Full hash of the commit checked out around `folder`; None where there is no git or no commit."""
    return _git(folder, "rev-parse", "--verify", "--quiet", "HEAD") or None


def has_changes(folder: Path = CODE) -> bool:
    """Whether anything in `folder` differs from the commit, new files included; False without a git."""
    return bool(_git(folder, "status", "--porcelain", "--", "."))


def _git(folder: Path, *words: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=False, timeout=30
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()
