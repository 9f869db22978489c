"""The list of mutants fits the code: said by the unit tests, minutes before the mutants themselves run."""

from collections import Counter

from tests.mutants.run import AREA, LIST, ROOT, listed

MUTANTS = listed()


def test_no_area_is_there_twice() -> None:
    """YAML would keep the last one alone."""
    assert [area for area, times in Counter(AREA.findall(LIST.read_text())).items() if times > 1] == []


def test_every_text_to_be_changed_is_there_once() -> None:
    times = {(m.file, m.old): (ROOT / m.file).read_text().count(m.old) for m in MUTANTS}
    assert {where: n for where, n in times.items() if n != 1} == {}


def test_no_mutant_is_there_twice_or_changes_nothing() -> None:
    assert [m for m, n in Counter((m.file, m.old, m.new) for m in MUTANTS).items() if n > 1] == []
    assert [m for m in MUTANTS if m.old == m.new] == []


def test_every_test_that_guards_is_there() -> None:
    asked = {test for m in MUTANTS for test in m.tests}
    files = {test: ROOT / test.split("::")[0] for test in asked}
    assert [test for test, file in files.items() if not file.exists()] == []
    named = [(files[test], test.split("::")[1].split("[")[0]) for test in asked if "::" in test]
    assert [(file.name, name) for file, name in named if f"def {name}(" not in file.read_text()] == []
