"""The account of an import: what became of every key of a file."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from sdetr.files import write_text

LISTED = 20
"""Keys that a message lists."""

FATES = ("matched", "renamed", "missing", "dropped")
"""Of a key that does no harm; `unmatched` is the fifth."""


@dataclass(frozen=True)
class Line:
    """One key of a file, and what it is called here, or why it is not."""

    fate: str
    key: str
    shape: tuple[int, ...]
    note: str
    """Our name, or a reason; of a reason, what stands before a colon is common to several keys."""

    def __str__(self) -> str:
        sign = "→" if self.fate in ("renamed", "matched") else "|"
        return f"{self.fate:9} {self.key} {self.shape} {sign} {self.note}"


@dataclass
class Account:
    """Lines in the order of the file; the same for every import of it."""

    source: str
    lines: list[Line] = field(default_factory=list)

    def add(self, fate: str, key: str, tensor: Tensor, note: str) -> None:
        self.lines.append(Line(fate, key, tuple(tensor.shape), note))

    def summary(self) -> str:
        """`0 matched, 318 renamed, 0 missing, 6 dropped: 5 counter of batches, 1 mask head`."""
        keys = {fate: {line.key for line in self.lines if line.fate == fate} for fate in FATES}
        why = Counter(line.note.split(":")[0] for line in self.lines if line.fate == "dropped")
        reasons = ": " + ", ".join(f"{count} {note}" for note, count in why.most_common()) if why else ""
        return ", ".join(f"{len(found)} {fate}" for fate, found in keys.items()) + reasons

    def refuse(self, what: str) -> None:
        """Raises ValueError if a key found no place, or a parameter no key."""
        bad = [line for line in self.lines if line.fate in ("unmatched", "missing")]
        if bad:
            rows = [f"  {line}" for line in bad[:LISTED]]
            if len(bad) > LISTED:
                rows.append(f"  … and {len(bad) - LISTED} more")
            raise ValueError(f"{self.source} does not fit {what}:\n" + "\n".join(rows))

    def write(self, path: Path) -> None:
        """The whole table, as text."""
        text = "\n".join([f"{self.source}: {self.summary()}", "", *map(str, self.lines)])
        write_text(path, text + "\n")
