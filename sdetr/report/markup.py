"""HTML and SVG that hold words from anywhere: what is not markup already is escaped, here alone."""

import html
from collections.abc import Iterable, Sequence

VOID = ("img", "input", "meta")


class Markup(str):
    """Text that may stand in a page as it is."""


def tag(name: str, /, *children: str, **attributes: object) -> Markup:
    """An element; attributes are written `class_=`, `aria_label=`; children that are no Markup are text."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
    )
    opening = f"<{name}{said}>"
    return Markup(opening if name in VOID else f"{opening}{together(children)}</{name}>")


def together(parts: Iterable[str], between: str = "") -> Markup:
    """Parts in their order."""
    return Markup(between.join(part if isinstance(part, Markup) else html.escape(part) for part in parts))


def code(text: str) -> Markup:
    return tag("code", text)


def paragraph(*parts: str) -> Markup:
    return tag("p", *parts)


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table that scrolls by itself where the page is narrow."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body)), class_="wide")


def section(title: str, *parts: str) -> Markup:
    return tag("section", tag("h2", title), *parts)


def folded(title: str, *parts: str) -> Markup:
    return tag("details", tag("summary", title), *parts)
