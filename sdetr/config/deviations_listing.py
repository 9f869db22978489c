"""Deviations as a person reads them."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sdetr.config.deviations import Deviation, Deviations, Scaled

AIM = 100
"""Columns of a line, where words allow it."""


def as_lines(everywhere: Iterable[Deviation], tables: Iterable[Deviations]) -> Iterator[str]:
    """First what holds for all tables, then each of them."""
    yield "all tables"
    yield from _unstated(everywhere)
    for one in tables:
        yield f"\n{one.name}: {one.title}"
        yield from _unstated(one.unstated)
        if one.stands:
            yield "  stands for, at this scale"
            yield from (f"    {paper}: {here}" for paper, here in one.stands.items())
        for stage, scaled in groupby(one.scaled, lambda each: each.stage):
            yield f"  {stage}, at this scale"
            yield from _scaled(list(scaled))
    yield "\nWhat behaves otherwise than a paper or its code, in every run: docs/deviations.md"


def _unstated(found: Iterable[Deviation]) -> Iterator[str]:
    for one in found:
        rows = f" {', '.join(one.said.decisions)}" if one.said.decisions else ""
        what = f"{one.field}: {_text(one.here)}; " if one.field else ""
        yield f"  {one.said.kind}{rows}: {what}paper: {one.said.paper}   [{one.place}]"
        yield f"      {one.said.why}"


def _scaled(scaled: list[Scaled]) -> Iterator[str]:
    """What all runs of a stage have in common first; then by the runs that share it."""
    for runs, several in groupby(
        sorted(scaled, key=lambda one: (len(one.runs), one.runs)), lambda one: one.runs
    ):
        if runs:
            yield f"    of {', '.join(run.split('/', 1)[1] for run in runs)}"
        else:
            yield "    of all"
        for one in several:
            said = one.difference
            yield f"      {said.field}: {_text(said.here)}; paper: {_text(said.paper)}"


def _text(value: Any) -> str:
    """As YAML has it; what is unset is a dash."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
