"""Nothing that is said or sent holds a password."""

import os
import re

SECRET_NAME = re.compile(r"PASSWORD|PASSWD|TOKEN|SECRET|CREDENTIAL|API_?KEY|ACCESS_KEY", re.IGNORECASE)
SHORTEST = 4
"""Shorter values stand in every text by chance."""
_USERINFO = re.compile(r"(?<=://)[^/\s'\"]+@")
_QUERY = re.compile(
    r"([?&;](?:[\w-]*(?:password|passwd|token|secret|key|sig|signature)[\w-]*)=)[^&;#\s'\"]+", re.IGNORECASE
)


def redact(text: str) -> str:
    """The text without user and password of addresses, without secrets of the environment."""
    text = _QUERY.sub(r"\1***", _USERINFO.sub("", text))
    values = [
        value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST
    ]
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
    return text
