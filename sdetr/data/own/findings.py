"""What is found in a data set: each with a code, the file and value, and what to do about it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sdetr.data.own.kinds import ERROR, KINDS, SKIP, WARN, Kind

SHOWN = 20
"""Places that are kept of each kind."""


@dataclass(frozen=True)
class Place:
    """Where something was found, and what stands there."""

    file: str
    field: str = ""
    value: str = ""

    def __str__(self) -> str:
        said = f"{self.field} {self.value}".strip()
        return f"{self.file}: {said}" if said else self.file


@dataclass(frozen=True)
class Finding:
    """All that is of one kind: how often, and the first places."""

    kind: Kind
    count: int
    places: tuple[Place, ...]
    severity: str

    @property
    def code(self) -> str:
        return self.kind.code

    def __str__(self) -> str:
        """One line: code, severity, file, field, value, cure."""
        first = str(self.places[0]) if self.places else ""
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{self.code} {self.severity}: {self.kind.what}: {first}{more}; {self.kind.cure}"

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        places = [{"file": p.file, "field": p.field, "value": p.value} for p in self.places]
        said = {"code": self.code, "severity": self.severity, "count": self.count}
        return {**said, "what": self.kind.what, "cure": self.kind.cure, "places": places}


@dataclass
class Findings:
    """Counts by kind, with the first places of each."""

    strict: bool = False
    _counts: Counter[str] = field(default_factory=Counter)
    _places: dict[str, list[Place]] = field(default_factory=dict)

    def add(self, code: str, file: object, field: str = "", value: object = "") -> None:
        """Raises KeyError for a code that is none."""
        assert code in KINDS, code
        self._counts[code] += 1
        places = self._places.setdefault(code, [])
        if len(places) < SHOWN:
            places.append(Place(str(file), field, str(value)))

    def count(self, code: str) -> int:
        return self._counts[code]

    def __iter__(self) -> Iterator[Finding]:
        """Errors first, then by code."""
        found = [
            Finding(kind, self._counts[code], tuple(self._places[code]), self._severity(kind))
            for code, kind in KINDS.items()
            if self._counts[code]
        ]
        order = {ERROR: 0, SKIP: 1, WARN: 2}
        return iter(sorted(found, key=lambda one: (order.get(one.severity, 3), one.code)))

    def _severity(self, kind: Kind) -> str:
        return ERROR if self.strict and kind.strict else kind.severity

    @property
    def errors(self) -> list[Finding]:
        return [one for one in self if one.severity == ERROR]

    def refuse(self, dataset: str) -> None:
        """Raises ValueError with a line for each error, if there are any."""
        if errors := self.errors:
            lines = "\n".join(f"  {one}" for one in errors)
            raise ValueError(f"data set {dataset} cannot be used as it is:\n{lines}")
