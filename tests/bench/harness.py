"""Two ways of doing one thing, in turn and in one process, so that other load on the machine hits both.

A benchmark is a file beside this one with a function `rows()`, a generator of `Row`s, and `main(rows)` at its
end: `python -m tests.bench.NAME` prints them, `make bench` collects those of all files. It never asserts how
long something takes. That both ways give the same values is tested at small sizes (`test_*.py`).
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Seconds = list[float]
Way = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    reference: str
    ours: str
    """With its unit."""
    theirs: str
    ratio: float | None
    """How many times as much the reference takes; unset: there is none."""
    aim: str = ""
    reached: bool | None = None
    """Unset: there is no aim."""
    note: str = ""
    """What else was found: how far values are apart."""

    def __str__(self) -> str:
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        aim = f"   aim {self.aim}: {verdict}" if self.aim else ""
        beside = "" if self.ratio is None else f", {self.reference} {self.theirs}, {self.ratio:.2f}×"
        says = f"{self.what}: ours {self.ours}{beside}{aim}"
        return f"{says}   ({self.note})" if self.note else says


class LeftOutError(Exception):
    """This machine cannot run a benchmark; the message says what it would need."""


def in_turn(
    ours: Way, theirs: Way, rounds: int = 7, clock: Callable[[], float] = time.process_time
) -> tuple[Seconds, Seconds]:
    """Seconds of each round, after one that is not counted; who begins alternates.

    The clock counts this process's time on the CPU, all threads together; give `time.perf_counter` where
    other processes work, or threads side by side.
    """
    one, other = all_in_turn([ours, theirs], rounds, clock)
    return one, other


def all_in_turn(
    ways: Sequence[Way], rounds: int = 7, clock: Callable[[], float] = time.process_time
) -> list[Seconds]:
    """The same of any number of ways."""
    seconds: list[Seconds] = [[] for _ in ways]
    for turn in range(rounds + 1):
        each = list(zip(ways, seconds, strict=True))
        for way, kept in each if turn % 2 else reversed(each):
            begin = clock()
            way()
            if turn:
                kept.append(clock() - begin)
    return seconds


def timed(
    what: str, reference: str, seconds: tuple[Seconds, Seconds], at_least: float | None = None, note: str = ""
) -> Row:
    """Medians, and the median of what the rounds' ratios are."""
    ours, theirs = seconds
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    aim, reached = ("", None) if at_least is None else (f"≥ {at_least:g}×", ratio >= at_least)
    return Row(what, reference, _ms(ours), _ms(theirs), ratio, aim, reached, note)


def counted(
    what: str,
    reference: str,
    ours: float,
    theirs: float,
    unit: str,
    at_most: float | None = None,
    note: str = "",
) -> Row:
    """Numbers of things; the aim is about ours."""
    aim, reached = ("", None) if at_most is None else (f"≤ {at_most:g} {unit}", ours <= at_most)
    ratio = theirs / ours if ours else float("inf")
    return Row(what, reference, f"{ours:g} {unit}", f"{theirs:g} {unit}", ratio, aim, reached, note)


def alone(what: str, ours: str, aim: str = "", reached: bool | None = None, note: str = "") -> Row:
    """What has no reference here."""
    return Row(what, "", ours, "", None, aim, reached, note)


def main(rows: Callable[[], Iterator[Row]]) -> None:
    """Prints rows as they come; with a file's name as the only word also keeps them, a JSON line each."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    try:
        for row in rows():
            print(f"  {row}", flush=True)
            _keep(path, asdict(row))
    except LeftOutError as reason:
        print(f"  left out: {reason}", flush=True)
        _keep(path, {"left_out": str(reason)})


def _keep(path: Path | None, values: dict[str, object]) -> None:
    if path:
        with path.open("a") as file:
            file.write(json.dumps(values) + "\n")


def _ms(seconds: Seconds) -> str:
    value = 1000 * statistics.median(seconds)
    return f"{value:.3g} ms" if value < 1000 else f"{value:.0f} ms"
