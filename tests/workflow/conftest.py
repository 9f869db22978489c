"""A project of one's own: the workflow and params/ in an empty folder, with the installed sdetr."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """Runs Snakemake as a user types it."""

    root: Path
    environment: dict[str, str]

    def snakemake(self, *arguments: str, fails: bool = False) -> str:
        """What it printed, both streams. Asserts that it ended well, or ill if it should."""
        command = [str(Path(sys.executable).with_name("snakemake")), *arguments]
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def would_run(self, *arguments: str) -> set[str]:
        """First output of each job that a dry run lists; the sync, which follows every table, aside."""
        said = self.snakemake("-n", *arguments)
        files = re.findall(r"^    output: ([^,\s]+)", said, flags=re.MULTILINE)
        return {file for file in files if not file.endswith("/state/synced")}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes fresh projects, each with an empty home, in which nothing has run."""

    def make() -> Project:
        folder = tmp_path_factory.mktemp("workflow")
        root, home = folder / "project", folder / "home"
        root.mkdir()
        home.mkdir()
        for name in ("params", "workflow", "Snakefile"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
        for profile in ("demo", "smoke", "local", "slurm"):
            (root / profile).symlink_to((ROOT / profile).readlink())
        kept = {
            k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTEST_CURRENT_TEST")
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return Project(
            root, kept | {"HOME": str(home), "PATH": path, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        )

    return make


@pytest.fixture
def project(new_project: Callable[[], Project]) -> Project:
    return new_project()
