"""Lists of a JSON file too large for memory: an element at a time, and of each what is wanted."""

import codecs
import json
import re
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any, NoReturn

BLANKS = re.compile(r"[ \t\n\r]*")
PIECE = 1 << 22
"""Bytes that are read at a time, at first."""
LONGEST_WORD = 12
"""Characters: `-Infinity`, or an escape in a string."""
Row = dict[str, Any]


class NotJsonError(ValueError):
    """What is wrong, in which line from 1, at which byte from 0."""

    def __init__(self, told: str, line: int, byte: int) -> None:
        super().__init__(told, line, byte)
        self.told, self.line, self.byte = told, line, byte


def lists_of(
    path: Path, wanted: Container[str], keep: Callable[[Row], Row], piece: int = PIECE
) -> dict[str, Any]:
    """The outermost object of a file, without lists that are not `wanted`; `keep` sees every object in it.

    Any other outermost value gives an empty one. Raises NotJsonError.
    """
    with path.open("rb") as file:
        text = _Text(file.read, json.JSONDecoder(object_hook=keep), piece)
        found = _outermost(text, wanted)
        if text.peek():
            text.fail("Extra data")
    return found


def _outermost(text: "_Text", wanted: Container[str]) -> dict[str, Any]:
    if text.peek() != "{":
        text.value()
        return {}
    found: dict[str, Any] = {}
    for _ in _items(text, "}"):
        if text.peek() != '"':
            text.fail("Expecting property name enclosed in double quotes")
        key = text.value()
        text.expect(":")
        if text.peek() != "[":
            found[key] = text.value()
        elif key in wanted:
            found[key] = [text.value() for _ in _items(text, "]")]
        else:
            for _ in _items(text, "]"):
                text.value()
    return found


def _items(text: "_Text", end: str) -> Iterator[None]:
    """Stops at each, to be read, from the bracket to the one that closes it."""
    text.skip()
    first = True
    while text.peek() != end:
        if not first:
            text.expect(",")
        first = False
        yield
    text.skip()


class _Text:
    """What is left of a file, as far as it was read; knows where it stands."""

    def __init__(self, read: Callable[[int], bytes], decoder: json.JSONDecoder, piece: int) -> None:
        self._read, self._decoder, self._piece = read, decoder, piece
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at, self._ended = "", 0, False
        head = read(len(codecs.BOM_UTF8))
        self._bytes = len(head) if head == codecs.BOM_UTF8 else 0  # before self._text
        self._lines = 0
        if not self._bytes:
            self._decode(head)

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            blanks = BLANKS.match(self._text, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._text) or not self._more(self._piece):
                return self._text[self._at : self._at + 1]

    def skip(self) -> None:
        self._at += 1

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            self.fail(f"Expecting {sign!r} delimiter")
        self.skip()

    def value(self) -> Any:
        """Whatever stands here, whole; more is read until it is, twice as much each time."""
        self.peek()
        size = self._piece
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not (self._is_cut(error) and self._more(size)):
                    self._at = error.pos
                    self.fail(error.msg)
            else:
                # A number may go on behind what was read.
                whole = self._text[end : end + 1] not in "+-.Ee"
                if whole or not self._more(size):
                    self._at = end
                    return value
            size *= 2

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether it may be for want of what follows: at the end, or in a string that does not."""
        return error.pos > len(self._text) - LONGEST_WORD or error.msg.startswith("Unterminated string")

    def fail(self, told: str) -> NoReturn:
        before = self._text[: self._at]
        line = self._lines + before.count("\n") + 1
        raise NotJsonError(told, line, self._bytes + len(before.encode()))

    def _more(self, size: int) -> bool:
        """Lets go of what was passed, and reads on; false at the end."""
        if self._ended:
            return False
        before = self._text[: self._at]
        self._bytes += len(before.encode())
        self._lines += before.count("\n")
        self._text, self._at = self._text[self._at :], 0
        self._decode(self._read(size))
        return True

    def _decode(self, piece: bytes) -> None:
        """Appends it; nothing is the end."""
        self._ended = not piece
        try:
            self._text += self._utf8.decode(piece, self._ended)
        except UnicodeDecodeError as error:
            at = self._bytes + len(self._text.encode()) + error.start
            line = self._lines + self._text.count("\n") + error.object[: error.start].count(b"\n") + 1
            raise NotJsonError(f"no UTF-8: {error.reason}", line, at) from None
