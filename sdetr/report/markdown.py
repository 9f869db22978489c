"""The few pieces of Markdown that tables need, safe for any name and aligned for who reads the source."""

import html
from collections.abc import Sequence


def escape(name: str) -> str:
    """A name that shows as it is: no markup, no HTML, no new cell, one line."""
    return "".join(f"\\{sign}" if sign in "\\`*[]|" else sign for sign in prose(name))


def prose(text: str) -> str:
    """A paragraph of ours, which may use Markdown but no HTML, on one line."""
    return html.escape(" ".join(text.split()), quote=False)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table whose columns are padded to their widest cell; cells are Markdown already."""
    widths = [max(len(line[n]) for line in (header, *rows)) for n in range(len(header))]
    widths = [max(width, 3) for width in widths]
    rule = ["-" * (width - 1) + (":" if end else "-") for width, end in zip(widths, right, strict=True)]
    return "\n".join(_line(cells, widths, right) for cells in (header, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if end else cell.ljust(width)
        for cell, width, end in zip(cells, widths, right, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
