"""docs/traps.md: every trap is held by tests that exist and carry its number, or says why not."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TITLES = {"Siamese DETR": "siamese", "UP-DETR": "updetr", "DETReg": "detreg"}
TRAPS = {
    "siamese": "2 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 21 22 24 26",
    "updetr": "1 5 6 7 8 9 10 11 12 13 14 15 17 18 19 20 21 22 23",
    "detreg": "1 2 3 5 6 7 8 9 10 12 13 14 15 16 17 18 19 20 21 23 25 26 27 28 29 34",
}
"""Those of each paper that wrong settings alone do not explain."""


def rows() -> list[tuple[str, list[int], str]]:
    """Pretext, numbers of traps, and what the page says of what holds them."""
    found, pretext = [], ""
    for line in (ROOT / "docs/traps.md").read_text().splitlines():
        if line.startswith("## "):
            pretext = TITLES[line.removeprefix("## ")]
        elif line.startswith("| T"):
            numbers, _, held = (cell.strip() for cell in line.strip("|").split("|"))
            found.append((pretext, [int(n) for n in re.findall(r"T(\d+)", numbers)], held))
    return found


def functions() -> set[str]:
    """Names of all test functions."""
    trees = (ast.parse(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {node.name for node in nodes if node.name.startswith("test_")}


@pytest.mark.parametrize("pretext", TRAPS)
def test_every_trap_has_one_row(pretext: str) -> None:
    numbers = [n for name, numbers, _ in rows() if name == pretext for n in numbers]
    assert numbers == [int(n) for n in TRAPS[pretext].split()]


def test_every_named_test_exists_and_every_row_names_one_of_its_own_or_a_reason() -> None:
    known = functions()
    for pretext, numbers, held in rows():
        named = re.findall(r"`(test_\w+)`", held)
        assert set(named) <= known, f"{pretext} {numbers}: {set(named) - known}"
        for number in numbers:
            own = [name for name in named if re.search(rf"_{pretext}_(t\d+_)*t{number}_", name)]
            assert own or held.startswith(("later: ", "cannot occur: ")) or number in ELSEWHERE[pretext], (
                f"{pretext} T{number} is held by no test of its name"
            )


ELSEWHERE: dict[str, set[int]] = {"siamese": set(), "updetr": {19}, "detreg": set()}
"""Traps that another paper's test of the core holds."""


def test_every_test_of_a_trap_is_on_the_page() -> None:
    page = (ROOT / "docs/traps.md").read_text()
    named = {name for name in functions() if re.match(rf"test_({'|'.join(TRAPS)})_t\d", name)}
    missing = {name for name in named if f"`{name}`" not in page}
    assert missing == {"test_siamese_t3_weights_are_those_of_the_released_configurations"}  # mere settings
