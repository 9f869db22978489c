"""All benchmarks in turn, a process each: `python -m tests.bench.run [WORD]`, or `make bench [ONLY=WORD]`.

All of them make reports/bench.md; those whose name contains WORD are only shown.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.harness import Row
from tests.bench.machine import commit, machine

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "bench.md"
THREADS = 1

HEAD = """# Benchmarks

`make bench` wrote this: {commit}, {date}, {seconds:.0f} s.
{machine}.

Reference and ours take turns in one process with {threads} thread. Times are medians over rounds, of the
process's time on the CPU, or of the clock's where a line says so; a ratio is the median of the rounds',
reference by ours. Samples are made with freed memory kept in the process, as where we train; the backbone is
timed without that and with it, all else without. That both give the same values, or how far they are apart,
is tested at small sizes (`tests/bench/test_*.py`); a row's note says what was found at its own.

"""
TABLE = """| what | reference | ours | reference takes | ratio | aim | reached | |
|---|---|--:|--:|--:|--:|---|---|
"""


@dataclass
class Found:
    """What a benchmark had to say."""

    name: str
    rows: list[Row] = field(default_factory=list)
    left_out: str = ""
    failed: bool = False


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    names = [name for name in benchmarks() if word in name]
    if not names:
        raise SystemExit(f"no benchmark's name contains {word!r}; known: {', '.join(benchmarks())}")
    code, begin = commit(ROOT), time.monotonic()
    print(f"{machine()}\n{code}, {THREADS} thread", flush=True)
    found = []
    for number, name in enumerate(names, 1):
        print(f"\n{name} ({number} of {len(names)})", flush=True)
        found.append(_ran(name))
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    says = {"commit": code, "date": date, "seconds": time.monotonic() - begin, "machine": machine()}
    text = HEAD.format(threads=THREADS, **says) + table(found)
    if word:
        print(f"\n{table(found)}\nreports/bench.md is only written when all benchmarks run")
    else:
        REPORT.write_text(text)
        print(f"\n{REPORT.relative_to(ROOT)} is written")
    sys.exit(any(one.failed for one in found))


def benchmarks(folder: Path = Path(__file__).parent) -> list[str]:
    """Files that have rows."""
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef rows(" in path.read_text())


def table(found: list[Found]) -> str:
    """Markdown; what was left out or failed stands below."""
    lines = [_line(row) for one in found for row in one.rows]
    below = [f"\nLeft out: {one.name}: {one.left_out}.\n" for one in found if one.left_out]
    below += [
        f"\n**Failed: {one.name}**; `make bench ONLY={one.name}` says why.\n" for one in found if one.failed
    ]
    return TABLE + "".join(lines) + "".join(below)


def _line(row: Row) -> str:
    reached = {True: "yes", False: "**no**", None: ""}[row.reached]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    cells = (row.what, row.reference, row.ours, row.theirs, ratio, row.aim, reached, row.note)
    return f"| {' | '.join(cells)} |\n"


def _ran(name: str) -> Found:
    found = Found(name)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "rows.jsonl"
        command = [sys.executable, "-m", f"tests.bench.{name}", str(kept)]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": str(THREADS)}, check=False
        )
        found.failed = done.returncode != 0
        for line in kept.read_text().splitlines() if kept.exists() else ():
            values = json.loads(line)
            if "left_out" in values:
                found.left_out = values["left_out"]
            else:
                found.rows.append(Row(**values))
    return found


if __name__ == "__main__":
    main()
