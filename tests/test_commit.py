"""The commit of the code, asked of git."""

import subprocess

from sdetr.commit import current_commit


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_the_one_that_is_checked_out(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert current_commit(tmp_path) is None, "nothing is committed yet"
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "first")
    assert current_commit(tmp_path) == git(tmp_path, "log", "-1", "--format=%H")


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert current_commit(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert current_commit(tmp_path) is None
