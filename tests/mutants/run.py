"""Applies one mutation at a time to a copy of the project; the named tests have to notice every one of them.

uv run python tests/mutants/run.py [WORD]    only mutants whose area or file contains WORD

What tests import takes longer than most of them: it is imported once, and every mutant's tests run in a fork.
"""

import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.yaml")
COPIED = (
    "sdetr",
    "tests",
    "params",
    "workflow",
    "Snakefile",
    "pyproject.toml",
    "docs",
    "README.md",
    "CHANGELOG.md",
    "plan.yaml",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
)
FOREIGN = (
    "hypothesis",
    "mlflow",
    "pandas",
    "pycocotools.cocoeval",
    "pytest",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.datasets",
    "torchvision",
    "transformers",
)
"""What tests and the code that they test import from elsewhere; nothing of ours, which is mutated."""
WORKERS = 2
LONGEST_S = 180
AREA = re.compile(r"^([^\s#].*):$", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One line changed, and the tests that guard it."""

    area: str
    file: str
    old: str
    new: str
    tests: list[str]

    def applied(self, root: Path) -> str:
        """The file's text with the mutation. Ends everything when the list does not fit the code."""
        text = (root / self.file).read_text()
        if (times := text.count(self.old)) != 1:
            raise SystemExit(f"{LIST}: {self.file} has {self.old!r} {times} times, expected once")
        return text.replace(self.old, self.new)


def listed() -> list[Mutant]:
    """All mutants."""
    areas = yaml.safe_load(LIST.read_text())
    return [Mutant(area=area, **m) for area, mutants in areas.items() for m in mutants]


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    text = LIST.read_text()
    if twice := [area for area, n in Counter(AREA.findall(text)).items() if n > 1]:
        raise SystemExit(f"{LIST}: area {twice[0]!r} is there twice, and YAML would keep the last alone")
    mutants = listed()
    mutants = [m for m in mutants if word in m.area or word in m.file]
    if not mutants:
        raise SystemExit(f"no mutant of {LIST} has {word!r} in its area or file")
    for mutant in mutants:
        mutant.applied(ROOT)  # a list that is out of date is told before a minute is spent
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    for name in FOREIGN:
        importlib.import_module(name)
    assert "sdetr" not in sys.modules
    start = time.monotonic()
    survived = _survivors(mutants)
    print(
        f"{len(mutants) - len(survived)} of {len(mutants)} mutants killed in {time.monotonic() - start:.0f} s"
    )
    for mutant in survived:
        print(f"SURVIVED {mutant.area}: {mutant.file}: {mutant.old!r} -> {mutant.new!r}")
    sys.exit(bool(survived))


def _survivors(mutants: list[Mutant]) -> list[Mutant]:
    """Those that no test noticed; so many at a time as there are workers."""
    survived, waiting, trials = [], list(reversed(mutants)), []
    while waiting or trials:
        while waiting and len(trials) < WORKERS:
            trials.append(Trial(waiting.pop()))
        for trial in [trial for trial in trials if trial.ended()]:
            trials.remove(trial)
            if not trial.killed():
                survived.append(trial.mutant)
        time.sleep(0.02)
    return survived


class Trial:
    """The tests of one mutant, in a fork, on a copy of the project."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant, self.folder = mutant, Path(tempfile.mkdtemp(prefix="mutant-"))
        self.root, self.said = self.folder / "project", self.folder / "said"
        self.code: int | None = None
        self.began_s = time.monotonic()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            self._run()

    def ended(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
        elif time.monotonic() > self.began_s + LONGEST_S:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            return True
        return bool(pid)

    def killed(self) -> bool:
        """Whether a test failed, or hung; an error before the first test is no kill."""
        verdict = {0: "SURVIVED", 1: "killed", None: "killed"}.get(self.code, "BROKEN")
        hung = " (it hung)" if self.code is None else ""
        mutant, took_s = self.mutant, time.monotonic() - self.began_s
        print(
            f"{verdict:8} {took_s:5.1f} s {mutant.area:12} {mutant.file}: {mutant.new.strip()}{hung}",
            flush=True,
        )
        if verdict == "BROKEN":
            print(self.said.read_text()[-2000:])
        with suppress(ProcessLookupError):  # what a test has started and left
            os.killpg(self.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
        return verdict == "killed"

    def _copy(self) -> None:
        root = self.root
        (root / ".dvc").mkdir(parents=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name)
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, root / name)
        for profile in ("demo", "smoke", "local", "slurm"):
            (root / profile).symlink_to((ROOT / profile).readlink())
        (root / self.mutant.file).write_text(self.mutant.applied(root))

    def _run(self) -> None:
        """In the fork, which ends here."""
        code = 3
        try:
            os.setsid()
            with self.said.open("w") as said:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
            self._copy()
            os.chdir(self.root)
            os.environ["PYTHONPATH"] = str(self.root)
            sys.path.insert(0, str(self.root))
            import pytest

            options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not pipeline"]
            code = int(pytest.main([*options, *self.mutant.tests]))
            sys.stdout.flush()
        finally:
            os._exit(code)


if __name__ == "__main__":
    main()
