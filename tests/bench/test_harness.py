import subprocess
from pathlib import Path

import pytest

from tests.bench import harness, run
from tests.bench.harness import LeftOutError, Row, counted, in_turn, timed
from tests.bench.run import Found, benchmarks, table


def test_ways_take_turns_and_the_first_round_is_not_counted() -> None:
    seen: list[str] = []
    ticks = iter(range(100))
    ours, theirs = in_turn(
        lambda: seen.append("ours"), lambda: seen.append("theirs"), 3, lambda: float(next(ticks))
    )
    assert len(ours) == len(theirs) == 3 and set(ours + theirs) == {1.0}
    assert seen[2:] == ["ours", "theirs", "theirs", "ours", "ours", "theirs"] and len(seen) == 8


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    row = timed("x", "y", ([1.0, 10.0, 2.0], [3.0, 20.0, 2.0]), at_least=2)
    assert row.ratio == 2.0 and row.reached is True and row.aim == "≥ 2×"
    assert (row.ours, row.theirs) == ("2000 ms", "3000 ms")
    assert timed("x", "y", ([1.0], [1.9]), at_least=2).reached is False
    assert timed("x", "y", ([1.0], [1.9])).reached is None


def test_an_aim_of_a_count_is_about_ours() -> None:
    assert counted("x", "y", 300, 900, "operations", at_most=300).reached is True
    assert counted("x", "y", 301, 900, "operations", at_most=300).reached is False


def test_a_miss_what_was_left_out_and_what_failed_all_stand_in_the_table() -> None:
    missed = Row("backbone", "torchvision", "2 ms", "1 ms", 0.5, "≥ 2×", False)
    said = table([Found("a", [missed]), Found("b", left_out="needs a GPU"), Found("c", failed=True)])
    assert "| 0.50 | ≥ 2× | **no** |" in said
    assert "Left out: b: needs a GPU." in said and "**Failed: c**" in said


def test_a_benchmark_is_a_file_with_rows_and_its_own_end() -> None:
    assert {"evaluation", "proposals"} <= set(benchmarks())
    for name in benchmarks():
        text = (Path(run.__file__).parent / f"{name}.py").read_text()
        assert text.endswith('if __name__ == "__main__":\n    main(rows)\n'), name


def test_rows_and_reasons_reach_who_collects_them(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Row("x", "y", "1 ms", "2 ms", 2.0)

    def rows():  # type: ignore[no-untyped-def]
        yield one
        raise LeftOutError("needs a GPU")

    def pretended(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        monkeypatch.setattr("sys.argv", ["bench", command[-1]])
        harness.main(rows)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(run.subprocess, "run", pretended)
    assert run._ran("any") == Found("any", [one], "needs a GPU", failed=True)
