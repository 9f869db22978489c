"""What every room of verbs needs to add its own."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

PARAMS = Path("params")

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run: TypeAlias = Callable[[argparse.Namespace], None]


def positive(text: str) -> int:
    """`8` → 8, for an argument that counts something."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no count; expected a whole number from 1")
    return int(text)
