"""A project of one's own: the workflow and params/ in an empty folder, with the installed sdetr."""

import os
import re
import shutil
import subprocess
import sys
import time
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
        return self.run("snakemake", *arguments, fails=fails)

    def dvc(self, *arguments: str) -> str:
        return self.run("dvc", *arguments)

    def run(self, program: str, *arguments: str, fails: bool = False) -> str:
        """The same of any program that is installed beside this Python, or anywhere."""
        beside = Path(sys.executable).with_name(program)
        done = subprocess.run(
            [str(beside) if beside.exists() else program, *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3000,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def would_run(self, *arguments: str) -> set[str]:
        """First output of each job that a dry run lists; what follows every table, sync and report, aside."""
        said = self.snakemake("-n", *arguments)
        files = re.findall(r"^    output: ([^,\s]+)", said, flags=re.MULTILINE)
        return {file for file in files if not file.endswith(("/state/synced", "/index.html"))}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Makes fresh projects, each with an empty home, in which nothing has run; of all, or of one table."""

    def make(table: str = "") -> Project:
        folder = tmp_path_factory.mktemp("workflow")
        root, home = folder / "project", folder / "home"
        root.mkdir()
        home.mkdir()
        for name in ("params", "workflow", "Snakefile", "plan.yaml", "dvc.yaml", ".dvcignore", ".gitignore"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
        for file in (root / "params/figures").iterdir():
            if table:
                file.unlink()
        for file in (root / "params/tables").iterdir():
            if table and file.stem != table:
                file.unlink()
                for scale in (root / "params/scales").iterdir():
                    scale.write_text(_without(file.stem, scale.read_text()))
        (root / ".dvc").mkdir()
        for name in ("config", ".gitignore"):
            shutil.copy(ROOT / ".dvc" / name, root / ".dvc" / name)
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


def _without(table: str, scale: str) -> str:
    """A scale's text that says nothing of a table; views may have the same name."""
    sections = re.compile(r"^(?:first|tables):\n(?:  .*\n)*", re.MULTILINE)
    part = re.compile(rf"^  {table}:.*\n(?:    .*\n)*", re.MULTILINE)
    return re.sub(
        r"^(first|tables):\n(?! )", "", sections.sub(lambda one: part.sub("", one[0]), scale), flags=re.M
    )


@pytest.fixture
def project(new_project: Callable[..., Project]) -> Project:
    return new_project()


@pytest.fixture(scope="session")
def finished(new_project: Callable[..., Project]) -> Project:
    """A project of one table, made by `snakemake --profile smoke all_tables`; only to be looked at."""
    project = new_project("siamese-voc")
    project.snakemake("--profile", "smoke", "all_tables")
    return project


@pytest.fixture(scope="session")
def everything(new_project: Callable[..., Project]) -> Project:
    """A project of all tables, made by the same command from nothing; only to be looked at."""
    project = new_project()
    began = time.perf_counter()
    project.snakemake("--profile", "smoke", "all_tables")
    print(f"all tables at scale smoke: {(time.perf_counter() - began) / 60:.1f} min")
    print(project.run("sdetr", "times", "--scale", "smoke", "--tables", "all", "--cores", "2"))
    return project


@pytest.fixture(scope="module")
def made(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of one table, for a module to edit and to run."""
    return _copy(finished, tmp_path_factory)


@pytest.fixture(scope="module")
def all_made(everything: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of all tables, for a module to edit and to run."""
    return _copy(everything, tmp_path_factory)


def _copy(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("made") / "project"
    shutil.copytree(project.root, root, symlinks=True)
    return Project(root, project.environment)


@pytest.fixture(scope="session")
def new_git_project(new_project: Callable[..., Project]) -> Callable[..., Project]:
    """The same as a clone: DVC wants git around it."""

    def make(table: str = "") -> Project:
        project = new_project(table)
        for words in (["init", "--quiet"], ["add", "--all"]):
            project.run("git", *words)
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
        project.run("git", *who, "commit", "--quiet", "--message", "as cloned")
        return project

    return make


@pytest.fixture
def git_project(new_git_project: Callable[..., Project]) -> Project:
    return new_git_project()
