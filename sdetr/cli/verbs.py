"""What every room of verbs needs to add its own."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

PARAMS = Path("params")

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run: TypeAlias = Callable[[argparse.Namespace], None]


def share(text: str) -> float:
    """`0.3` → 0.3, for an argument between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; expected a number from 0 to 1")
    return value


def percent(text: str) -> float:
    """`90` → 90.0, for an argument between 0 and 100."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; expected a number from 0 to 100")
    return value


def positive(text: str) -> int:
    """`8` → 8, for an argument that counts something."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no count; expected a whole number from 1")
    return int(text)
