"""Nothing that is said or sent holds a password."""

import json
import logging
import os
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

SHORTEST = 6
"""Shorter values, such as `false` and `none`, stand in every text by chance; so do numbers."""

_NAME = re.compile(
    r"(^|_)((PG|API|ACCESS|SECRET)?(TOKEN|SECRET|KEY)S?|(PG)?PASS(WORD|WD|PHRASE)?S?|PAT|CREDENTIALS?|AUTH"
    r"|COOKIE|SIGNATURE|SAS|DSN|(CONNECTION|CONN)_?STR(ING)?|ACCESS_KEY_ID)$|_PWD$",  # PWD is a folder
    re.IGNORECASE,
)
"""Of the environment, at the end of words: TOKENIZERS_PARALLELISM holds no token."""

_SCHEME = re.compile(r"[\w+.-]+://")

_USER = re.compile(
    r"(?<=://)(?:"
    r"[^\s/:@'\"<>?#]*:(?!\d{1,5}(?:[/\s'\"?#),.;&<\]}]|$))(?:(?!://)[^\n<>]){0,200}"  # no port: a password
    r"|[^/\s'\"]+"
    r")@"
)
"""Up to the last @ that can be meant: rather a word too much than the end of a password."""

_FIELD = re.compile(
    r"((?:[?&;#]|%3F|%26|%3B|%23|\b(?=(?:password|passwd|pwd)(?:=|%3D)))"
    r"[\w.-]*(?:pass|passwd|password|pwd|token|secret|key|sig|signature|auth|credentials?)(?:=|%3D))"
    r"((?:(?!%26|%3B|%23)[^&;#\s'\"])+)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text without secrets of the environment, without user and password of addresses."""
    spelt = {way for secret in _known() for way in _spellings(secret) if _is_telling(way)}
    for value in sorted(spelt, key=len, reverse=True):
        text = text.replace(value, "***")
    return _FIELD.sub(r"\1***", _USER.sub("", text))


class Redacted(logging.Formatter):
    """Lines of a log, tracebacks too, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _known() -> Iterator[str]:
    """Of variables that are called so, and passwords of those that are addresses, as MLFLOW_TRACKING_URI."""
    for name, value in os.environ.items():
        if _NAME.search(name):
            yield value
        if start := _SCHEME.match(value):
            yield from (field[2] for field in _FIELD.finditer(value))
            yield from _passwords(value[start.end() :])


def _passwords(address: str) -> Iterator[str]:
    """Behind `scheme://`; the @ may be the last before a slash, or the last, if the password has a slash."""
    start = address.partition("/")[0]
    for part in (start, address if ":" in start else ""):
        user, colon, password = part.rpartition("@")[0].partition(":")
        yield password if colon else user


def _spellings(secret: str) -> Iterator[str]:
    """As it is, as in an address, without an address's signs, as in JSON."""
    yield from (secret, quote(secret, safe=""), quote(secret), unquote(secret), json.dumps(secret)[1:-1])


def _is_telling(value: str) -> bool:
    return len(value) >= SHORTEST and not value.isdigit()
