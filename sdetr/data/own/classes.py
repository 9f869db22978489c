"""Which classes there are, in label order, and what is odd about their names."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import RawSet
from sdetr.data.own.settings import OwnSettings


def classes_of(
    parts: Mapping[str, RawSet], settings: OwnSettings, findings: Findings, said: Sequence[str] = ()
) -> list[str]:
    """Those `said`, or else what the files of all parts together have; merged, without what is dropped.

    Whoever judges a data set and whoever reads it for training ask here, so that they cannot disagree.
    """
    names = list(said) or _found(parts, findings)
    merged = dict.fromkeys(settings.merge.get(name, name) for name in names)
    kept = [name for name in merged if name not in settings.drop]
    _alike(kept, findings)
    return kept


def _found(parts: Mapping[str, RawSet], findings: Findings) -> list[str]:
    """Those of the files in their order, then others by name.

    Left out are a category that stands above others and has no box, and those of which only parts other than
    `train` have boxes: they are an error where they are met.
    """
    boxes = {part: Counter(one.label for one in raw.objects) for part, raw in parts.items()}
    everywhere = sum(boxes.values(), Counter())
    ids: dict[str, int] = {}
    for raw in parts.values():
        ids |= {name: number for name, number in raw.categories.items() if name not in ids}
    names = sorted(ids, key=lambda name: ids[name]) + sorted(set(everywhere) - set(ids))
    above = {name for raw in parts.values() for name in raw.above}
    for name in [name for name in names if name in above and not everywhere[name]]:
        findings.add("D18", name, "boxes", 0)
        names.remove(name)
    if boxes.get("train"):
        names = [name for name in names if boxes["train"][name] or not everywhere[name]]
    return names


def _alike(names: list[str], findings: Findings) -> None:
    """Told with what to merge."""
    twins = defaultdict(list)
    for name in names:
        twins["".join(name.split()).casefold().replace("_", "").replace("-", "")].append(name)
    for same in twins.values():
        for name in same[1:]:
            # Quoted: YAML strips blanks at the ends of plain words.
            pair = ": ".join(json.dumps(one, ensure_ascii=False) for one in (name, same[0]))
            findings.add("D28", name, "class", f"{name!r} and {same[0]!r}; merge: {{{pair}}}")
