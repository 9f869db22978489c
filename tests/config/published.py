"""Reads the tables of docs/published/, which hold what the papers printed."""

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "docs" / "published"


class Printed(NamedTuple):
    """A line of a table: header → text."""

    heading: str
    cells: dict[str, str]

    def number(self, header: str) -> float:
        """Without what stands behind it: a gain in brackets, a deviation, another source."""
        return float(re.sub(r"\*", "", self.cells[header]).split()[0].split("±")[0])


def printed(paper: str) -> list[Printed]:
    """All lines of all tables, each under the heading before it."""
    heading, headers, lines = "", [], []
    for line in (FOLDER / f"{paper}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading, headers = line.lstrip("# "), []
        elif not line.startswith("|"):
            headers = []
        elif not headers:
            headers = _numbered(_cells(line))
        elif not set(line) <= set("|-: "):
            lines.append(Printed(heading, dict(zip(headers, _cells(line), strict=True))))
    return lines


def _numbered(headers: list[str]) -> list[str]:
    """The second of one name is `AP50 2`."""
    return [f"{one} 2" if one in headers[:n] else one for n, one in enumerate(headers)]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
