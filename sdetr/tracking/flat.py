"""Nested settings → MLflow's flat params."""

import json
import re
from typing import Any

LONGEST = 6000
"""MLflow cuts in silence behind this."""


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Dotted names; lists as JSON; a long text says that it was cut. Signs that MLflow refuses become `_`."""
    found: dict[str, str] = {}
    for name, value in values.items():
        key = prefix + re.sub(r"[^\w\-. /:]", "_", str(name))
        if isinstance(value, dict):
            found |= flat(value, f"{key}.")
        else:
            found[key] = _cut(value if isinstance(value, str) else json.dumps(value))
    return found


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 40] + "… (settings.yaml has all of it)"
