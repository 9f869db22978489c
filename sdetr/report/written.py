"""A table's own page, written in markdown, as part of another page."""

import posixpath
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sdetr.report.markup import Markup

if TYPE_CHECKING:
    from markdown_it.token import Token


def as_html(text: str, folder: str) -> tuple[str, Markup]:
    """Title and what follows, links as seen from the folder above `folder`; what is HTML in it is text."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.add_render_rule("table_open", _wide)
    reader.add_render_rule("table_close", _wide_closed)
    title, tokens = _without_title(reader.parse(text))
    for token in _every(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1:]) + 1}"
        href = token.attrs.get("href")
        if isinstance(href, str) and not urlsplit(href).scheme and not href.startswith("#"):
            token.attrs["href"] = posixpath.normpath(posixpath.join(folder, href))
    return title, Markup(reader.renderer.render(tokens, reader.options, {}))


def _without_title(tokens: Sequence["Token"]) -> tuple[str, list["Token"]]:
    """The words of the first heading of the first order, and what follows; the page says what is before."""
    at = next(n for n, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h1")
    words = "".join(child.content for child in tokens[at + 1].children or ())
    return words, list(tokens[at + 3 :])


def _every(tokens: Sequence["Token"]) -> Iterator["Token"]:
    for token in tokens:
        yield token
        yield from _every(token.children or ())


def _wide(_self: object, *_: Any) -> str:
    """It scrolls by itself where the page is narrow."""
    return '<div class="wide"><table>'


def _wide_closed(_self: object, *_: Any) -> str:
    return "</table></div>"
