"""The table stage: runs in, one page for people and two files for programs out."""

import csv
import io
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sdetr.files import sha256, write_json, write_text
from sdetr.report.content import Cell, Content, read_content
from sdetr.report.cost import cost_page, render_cost
from sdetr.report.numbers import write_numbers
from sdetr.report.page import render
from sdetr.report.results import Result
from sdetr.report.settings import TableRun
from sdetr.settings_file import load

log = logging.getLogger(__name__)


def make_table(settings: Path, out: Path) -> None:
    """A TableRun → `out` (.md), .csv and .json beside it; ../numbers/ and ../costs/ get theirs.

    All but the costs is the same wherever the same runs are made. Runs are found from the working folder.
    Raises SettingsError, or ValueError and FileNotFoundError naming the run that is stale or missing.
    """
    content = read_content(load(TableRun, settings))
    write_text(out.with_suffix(".csv"), _csv(content))
    told = {"inputs": {"settings": {"path": str(settings), "sha256": sha256(settings)}}}
    write_json(out.with_suffix(".json"), _json(content) | told, indent=1)
    write_numbers(content, out.parents[1] / "numbers" / out.stem)
    write_text(cost_page(out), render_cost(content))
    write_text(out, render(content, out.parent))
    log.info("%s: %d runs", out, len(content.results()))


def _json(content: Content) -> dict[str, Any]:
    settings = content.settings
    return {
        "id": settings.id,
        "scale": settings.scale,
        "compares": settings.compares,
        "recipe": settings.recipe,
        "commit": content.commit,
        "dirty": content.dirty,
        "table": settings.table.model_dump(mode="json"),
        "cells": [_cell(cell) for cell in content.cells],
        "leads": [
            {"column": column, "metric": metric, **asdict(lead), "holds": lead.holds}
            for column, leads in content.leads.items()
            for metric, lead in leads.items()
        ],
        "runs": [_run(content, result) for result in content.results()],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "row": cell.row,
        "column": cell.column,
        "same_as": cell.same_as.model_dump() if cell.same_as else None,
        "runs": [result.run for result in cell.results],
        "commits": [result.commit for result in cell.results],
        "metrics": {
            metric: {
                "values": list(entry.values),
                "mean": entry.ours.mean if entry.ours else None,
                "std": entry.ours.std if entry.ours else None,
                "n": len(entry.values),
                "paper": entry.paper,
                "superseded": entry.superseded,
                "difference": entry.difference,
            }
            for metric, entry in cell.entries.items()
        },
    }


def _run(content: Content, result: Result) -> dict[str, Any]:
    """All but the metrics, which depend on the epoch that a row reads, and the cost, which has its page."""
    said = asdict(result) | {"foreign": content.foreign(result)}
    return {key: value for key, value in said.items() if key not in ("metrics", "cost")}


def _csv(content: Content) -> str:
    """One line per cell and metric; several values in one field are separated by blanks.

    `start` is what the table says: `{seed}` in it is that of each of the `runs`.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    keys = ("row", "column", "model", "protocol", "start", "metric", "same_as")
    numbers = ("mean", "std", "n", "paper", "superseded", "difference")
    writer.writerow([*keys, *numbers, "values", "runs", "commits"])
    table = content.settings.table
    for cell in map(_cell, content.cells):
        row, column = table.rows[cell["row"]], table.columns[cell["column"]]
        for metric, entry in cell["metrics"].items():
            named = [
                cell["row"],
                cell["column"],
                row.model or column.model,
                column.protocol,
                row.start or row.proposer,
                metric,
                ".".join((cell["same_as"] or {}).values()),
            ]
            many = (entry["values"], cell["runs"], cell["commits"])
            writer.writerow(
                [*named, *(entry[key] for key in numbers), *(" ".join(map(str, m)) for m in many)]
            )
    return file.getvalue()
