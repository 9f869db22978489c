"""What runs and stages say of themselves, believed only where their digests agree with the plan's."""

import json
from pathlib import Path
from typing import Any

from sdetr.report.again import Again
from sdetr.report.settings import MadeFrom


class Record:
    """A JSON file that says what it was made from, and how to make it again."""

    def __init__(self, path: Path, again: Again):
        """Raises FileNotFoundError, and ValueError for what is no JSON."""
        self.path, self.cure = path, again.command(path)
        try:
            self.content = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{path} does not exist; make it: {self.cure}") from error
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}; make it again: {self.cure}") from error

    def value(self, *keys: str) -> Any:
        """Raises ValueError when it is not there."""
        value = self.content
        for n, key in enumerate(keys, 1):
            if not isinstance(value, dict) or key not in value:
                raise ValueError(f"{self.path}: {'.'.join(keys[:n])} is missing; make it again: {self.cure}")
            value = value[key]
        return value

    def compare(self, what: str, found: Any, wanted: Any, whose: str) -> None:
        """Raises ValueError when they differ."""
        if found != wanted:
            raise ValueError(
                f"{self.path} is stale, made from other {what}: {found}, but {whose} {wanted}; "
                f"make it again: {self.cure}"
            )


def check_records(wanted: dict[str, MadeFrom], again: Again) -> None:
    """Every record up the chain: made from the plan's settings, and from what the jobs before it made.

    Raises ValueError for the first that was not, before anything that follows from it.
    """
    records = {path: Record(Path(path), again) for path in wanted}
    for path, made in wanted.items():
        record = records[path]
        record.compare(
            "settings", record.value("inputs", "settings", "sha256"), made.settings, "the plan's are"
        )
        for slot, maker in made.inputs.items():
            file = Path(record.value("inputs", slot, "path")).name
            there = records[maker].value("outputs", file)
            record.compare(
                slot, record.value("inputs", slot, "sha256"), there, f"{maker} says that now there is"
            )
