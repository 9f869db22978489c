"""What parameters are called here, in the papers' files, and in Hugging Face's: three columns, by family.

A name stands for all that is below it, `{i}` for a number, `-` for files that have none. An indented name
continues the nearest line above it that is not indented. What those files hold in one piece and we do not has
names of its own here (`q_proj`, `/position`, `/known`); `sdetr/interop/pieces.py` takes it apart.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from sdetr.interop.names import backbone
from sdetr.interop.names.conditional import CONDITIONAL
from sdetr.interop.names.dab import DAB
from sdetr.interop.names.deformable import DEFORMABLE
from sdetr.interop.names.detr import DETR

Family = Literal["detr", "conditional", "deformable", "dab"]
Form = Literal["official", "hf"]

TABLES: dict[Family, str] = {
    "detr": DETR,
    "conditional": CONDITIONAL,
    "deformable": DEFORMABLE,
    "dab": DAB,
}


def family_of(variant: str) -> Family:
    """Whose table a variant's parameters stand in."""
    return next(family for family in ("deformable", "dab", "conditional", "detr") if family in variant)


@dataclass(frozen=True)
class Names:
    """Pairs of ours and theirs; the first that fits speaks."""

    pairs: tuple[tuple[str, str], ...]

    def ours(self, theirs: str) -> str | None:
        return _first([(two, one) for one, two in self.pairs], theirs)

    def theirs(self, ours: str) -> str | None:
        return _first(self.pairs, ours)


@cache
def names(family: Family, form: Form) -> Names:
    column = {"official": 1, "hf": 2}[form]
    rest = backbone.OFFICIAL if form == "official" else backbone.HF
    pairs = [(row[0], row[column]) for row in _rows(TABLES[family]) if row[column] != "-"]
    return Names((*pairs, *((one, two) for one, two in _rows(rest))))


def _rows(table: str) -> list[list[str]]:
    found: list[list[str]] = []
    above: list[str] = []
    for line in table.splitlines():
        words = line.split()
        if words and words[0].endswith("."):
            above = words
        elif line.startswith(" "):
            found.append([one + two for one, two in zip(above, words, strict=True)])
        elif words:
            found.append(words)
    return found


def _first(pairs: list[tuple[str, str]] | tuple[tuple[str, str], ...], name: str) -> str | None:
    for one, two in pairs:
        if match := _pattern(one).fullmatch(name):
            number = match.groupdict().get("i") or ""
            return two.replace("{i}", number) + (match["rest"] or "")
    return None


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\{i\}", r"(?P<i>\d+)") + r"(?P<rest>\..+)?")
