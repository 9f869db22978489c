"""Where a number comes from, as files of `params/` say: a paper, its released code, ourselves, or nobody.

`source: {field: text}` is about fields, `guessed: {F3: text}` about what has none, by the row of
docs/published/decisions.md. A text may begin with `guessed (F4); ` or `ours (P38); ` and end with
`; instead of …`, what the paper or its code has; the row and the end may be missing.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sdetr.config.base import SettingsError
from sdetr.config.yaml import Located, Place

MARK = re.compile(r"(guessed|ours)\b")
MARKED = re.compile(r"(guessed|ours)(?: \((.*?)\))?; (.+?)(?:; instead of (.+))?", re.DOTALL)
ROWS = "a row of docs/published/decisions.md"
ROW = re.compile(r"[A-Z][0-9]+")
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Citation:
    """Where a number comes from, as said at a place."""

    text: str
    place: Place
    kind: Literal["cited", "guessed", "ours"] = "cited"
    """From a paper or its code; from neither; against them."""
    decisions: tuple[str, ...] = ()
    """Rows of docs/published/decisions.md."""
    why: str = ""
    paper: str = NOT_STATED
    """What the paper has instead, or its code."""


def sources(located: Located) -> dict[str, Citation]:
    """Of `source: {field: text}`. Where `source` is text it is an ordinary field.

    Raises SettingsError for a mark that cannot be read.
    """
    said = located.values.get("source")
    if not isinstance(said, dict):
        return {}
    return {name: _read(str(text), located.places["source", name]) for name, text in said.items()}


def guesses(located: Located) -> dict[str, Citation]:
    """Of `guessed: {row: text}`, by row. Raises SettingsError for what is no row, or no text."""
    said = located.values.get("guessed", {})
    if not isinstance(said, dict):
        place = located.place(("guessed",))
        raise SettingsError(f"{place}: guessed: found {said!r}, expected rows and texts")
    found = {}
    for row, text in said.items():
        place = located.places["guessed", row]
        if not ROW.fullmatch(row):
            field = f"what is a field is marked in `source`: `{row}: guessed; …`"
            raise SettingsError(f"{place}: guessed: found {row!r}, expected {ROWS} such as P9; {field}")
        found[row] = _read(f"guessed ({row}); {text}", place)
    return found


def _read(text: str, place: Place) -> Citation:
    if not MARK.match(text):
        return Citation(text, place)
    match = MARKED.fullmatch(text)
    if not match:
        raise SettingsError(f"{place}: source: found {text!r}, expected `guessed (F4); why; instead of what`")
    mark, rows, why, instead = match.groups()
    decisions = tuple(row.strip() for row in rows.split(",")) if rows else ()
    if wrong := [row for row in decisions if not ROW.fullmatch(row)]:
        raise SettingsError(f"{place}: source: found {wrong[0]!r}, expected {ROWS} such as F4")
    if mark == "ours" and not instead:
        raise SettingsError(f"{place}: source: {text!r} differs from what? end it with `; instead of …`")
    kind: Literal["guessed", "ours"] = "ours" if mark == "ours" else "guessed"
    return Citation(text, place, kind, decisions, why, instead or NOT_STATED)
