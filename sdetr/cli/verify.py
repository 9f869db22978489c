"""`sdetr verify`: do weights reach what is said of them?"""

import argparse
import sys
from pathlib import Path

from sdetr.cli.verbs import PARAMS, Verbs, percent, positive

WORDS = """measure weights again and compare: with the number of their run, with a paper's, or with yours.
On some of the images the answer is an interval. Exit code 1 if it does not hold or agree. Example:
sdetr verify detr.safetensors --data data/raw/coco-val2017/val.json --cell detectors.supervised.detr"""


def add(verbs: Verbs) -> None:
    verify = verbs.add_parser("verify", help="measure weights again", description=WORDS)
    verify.add_argument("weights", type=Path, help="of a run, or imported ones")
    verify.add_argument("--data", type=Path, metavar="INDEX", help="data/raw/….json; else that of its run")
    said = verify.add_mutually_exclusive_group()
    said.add_argument("--expect", type=percent, metavar="PERCENT", help="else what its run says")
    said.add_argument("--cell", metavar="TABLE.ROW.COLUMN", help="the paper's number there")
    verify.add_argument("--metric", choices=["AP", "AP50", "AP75"], default="AP")
    verify.add_argument("--images", type=positive, help="so many of them, drawn; else all")
    verify.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    verify.set_defaults(run=_verify)


def _verify(a: argparse.Namespace) -> None:
    from sdetr.training.verify import measured_on, said_by_run, verify

    if a.cell:
        expected, whose = _published(a.cell, a.metric)
    elif a.expect is not None:
        expected, whose = a.expect, "you"
    elif (of_run := said_by_run(a.weights, a.metric)) is not None:
        expected, whose = of_run, "its run"
    else:
        raise ValueError(
            f"{a.weights} lies beside no metrics.json of a run; say what it is said to reach: "
            "--expect NUMBER, or --cell TABLE.ROW.COLUMN for the paper's"
        )
    index = a.data or measured_on(a.weights)
    if index is None:
        raise ValueError("no data to measure on; say --data INDEX, as in data/raw/coco-val2017/val.json")
    found = verify(a.weights, index, expected, whose, a.metric, a.images, a.device)
    print(found)
    if found.vague:
        print(found.vague)
    if not found.holds:
        sys.exit(1)


def _published(cell: str, metric: str) -> tuple[float, str]:
    """Raises ValueError naming what is there."""
    from sdetr.config.check import check
    from sdetr.config.layers import Params
    from sdetr.report.settings import TableSettings

    table, row, column = [*cell.split("."), "", ""][:3]
    params = Params(PARAMS)
    if table not in params.names("tables"):
        raise ValueError(f"--cell {cell}: no table {table}; there is {', '.join(params.names('tables'))}")
    settings: TableSettings = check(TableSettings, params.resolve("tables", table))
    numbers = {str(key): one for key, one in settings.paper.get(row, {}).get(column, {}).items()}
    if (number := numbers.get(metric)) is None:
        known = [f"{table}.{r}.{c}" for r, columns in settings.paper.items() for c in columns]
        raise ValueError(f"--cell {cell}: the paper has no {metric} there; it has {', '.join(known)}")
    return number, settings.source
