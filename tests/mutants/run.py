"""Applies one mutation at a time to a copy of the project; the named tests have to notice every one of them.

uv run python tests/mutants/run.py [WORD]    only mutants whose area or file contains WORD
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
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
WORKERS = 2
LONGEST_S = 180


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


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants = [Mutant(area=area, **m) for area, ms in yaml.safe_load(LIST.read_text()).items() for m in ms]
    mutants = [m for m in mutants if word in m.area or word in m.file]
    if not mutants:
        raise SystemExit(f"no mutant of {LIST} has {word!r} in its area or file")
    for mutant in mutants:
        mutant.applied(ROOT)  # a list that is out of date is told before a minute is spent
    start = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        survived = [m for m, killed in zip(mutants, pool.map(_killed, mutants), strict=True) if not killed]
    print(
        f"{len(mutants) - len(survived)} of {len(mutants)} mutants killed in {time.monotonic() - start:.0f} s"
    )
    for mutant in survived:
        print(f"SURVIVED {mutant.area}: {mutant.file}: {mutant.old!r} -> {mutant.new!r}")
    sys.exit(bool(survived))


def _killed(mutant: Mutant) -> bool:
    """Whether the tests fail on the mutated copy; an error before the first test is no kill."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".dvc").mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, root / name)
        for profile in ("demo", "smoke", "local", "slurm"):
            (root / profile).symlink_to((ROOT / profile).readlink())
        (root / mutant.file).write_text(mutant.applied(root))
        environment = os.environ | {
            "PYTHONPATH": str(root),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "not pipeline",
            *mutant.tests,
        ]
        try:
            done = subprocess.run(
                command, cwd=root, env=environment, capture_output=True, text=True, timeout=LONGEST_S
            )
        except subprocess.TimeoutExpired:
            print(f"killed   {mutant.area:12} {mutant.file}: {mutant.new.strip()} (it hung)", flush=True)
            return True
    verdict = {0: "SURVIVED", 1: "killed"}.get(done.returncode, "BROKEN")
    print(f"{verdict:8} {mutant.area:12} {mutant.file}: {mutant.new.strip()}", flush=True)
    if verdict == "BROKEN":
        print(done.stdout[-2000:])
    return done.returncode == 1


if __name__ == "__main__":
    main()
