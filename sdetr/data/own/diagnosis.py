"""All parts of a data set judged together; nothing is written, and no error raised for what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdetr.data.own.across import compare
from sdetr.data.own.classes import classes_of
from sdetr.data.own.examine import Part, boxes_by_class, examine, read_part
from sdetr.data.own.findings import Findings
from sdetr.data.own.holding_out import side
from sdetr.data.own.raw import RawSet
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


def diagnose_parts(
    name: str,
    of: Mapping[str, tuple[Path, OwnSettings]],
    strict: bool = False,
    classes: Sequence[str] = (),
) -> Diagnosis:
    """Split → its root, and how it is read; `classes` are those that its file names, if it does.

    Raises FileNotFoundError naming a folder that is not there.
    """
    settings = next(iter(of.values()))[1]
    findings = Findings(strict or settings.strict)
    raws = {}
    whole: dict[tuple[Path, str], RawSet] = {}
    for split, (root, one) in of.items():
        # What is held out of a part is read with it, and what is wrong with it told once.
        both = one.model_copy(update={"hold_out": 0.0, "held": False})
        key = root, both.model_dump_json()
        if key not in whole:
            whole[key] = read_part(both, root, findings)
        raws[split] = side(whole[key], one.hold_out, one.held) if one.hold_out else whole[key]
    classes = classes_of(raws, settings, findings, classes)
    parts = {
        split: examine(one, f"{name} {split}", root, classes, raws[split], findings)
        for split, (root, one) in of.items()
    }
    compare(parts, findings)
    return Diagnosis(name, classes, parts, findings)
