"""The page on own data lists every kind of finding as it is."""

import re
from pathlib import Path

from sdetr.data.own.kinds import ERROR, KINDS

PAGE = Path(__file__).parents[3] / "docs/own-data.md"


def test_the_page_has_a_row_for_every_kind() -> None:
    rows = re.findall(r"^\| (D\d\d) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    grave = {
        code: f"{kind.severity}; {ERROR} if strict" if kind.strict else kind.severity
        for code, kind in KINDS.items()
    }
    assert rows == [(code, grave[code], kind.what, kind.cure) for code, kind in KINDS.items()]
