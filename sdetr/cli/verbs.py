"""What every room of verbs needs to add its own."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

PARAMS = Path("params")

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run: TypeAlias = Callable[[argparse.Namespace], None]
