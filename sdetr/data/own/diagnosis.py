"""All parts of a data set judged together; nothing is written, and no error raised for what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdetr.data.own.across import compare
from sdetr.data.own.classes import classes_of
from sdetr.data.own.examine import Part, boxes_by_class, examine, read_part
from sdetr.data.own.findings import Findings
from sdetr.data.own.settings import OwnSettings


@dataclass(frozen=True)
class Diagnosis:
    """What a doctor says."""

    name: str
    classes: list[str]
    parts: dict[str, Part]
    """By split, training first."""
    findings: Findings

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "dataset": self.name,
            "classes": self.classes,
            "parts": {
                split: {
                    "root": str(part.index.root),
                    "funnel": part.index.funnel,
                    "boxes": dict(boxes_by_class(part.index)),
                }
                for split, part in self.parts.items()
            },
            "findings": [one.plain() for one in self.findings],
        }


def diagnose_parts(name: str, of: Mapping[str, tuple[Path, OwnSettings]], strict: bool = False) -> Diagnosis:
    """Split → its root, and how it is read. Raises FileNotFoundError naming a folder that is not there."""
    settings = next(iter(of.values()))[1]
    findings = Findings(strict or settings.strict)
    raws = {split: read_part(one, root, findings) for split, (root, one) in of.items()}
    classes = classes_of(raws, settings, findings)
    parts = {
        split: examine(one, f"{name} {split}", root, classes, raws[split], findings)
        for split, (root, one) in of.items()
    }
    compare(parts, findings)
    return Diagnosis(name, classes, parts, findings)
