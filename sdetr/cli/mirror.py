"""`sdetr sync`: what was made, in MLflow."""

import argparse
import logging
import sys
from pathlib import Path

from sdetr.cli.verbs import PARAMS, Verbs

SYNC = "mirror what has been made into MLflow: MLFLOW_TRACKING_URI, else mlflow.db in this folder"


def add(verbs: Verbs) -> None:
    sync = verbs.add_parser("sync", help="mirror what has been made into MLflow", description=SYNC)
    sync.add_argument("--scale", default="demo")
    sync.add_argument("--tables", default="first", help="first (what `make demo` makes), all, or names: a,b")
    sync.add_argument("--cell", action="append", help="and this blank one, TABLE.ROW.COLUMN; may be repeated")
    sync.add_argument(
        "--minutes", type=float, default=float("inf"), help="end after so long; the next sync goes on"
    )
    how = sync.add_mutually_exclusive_group()
    how.add_argument("--follow", type=float, nargs="?", const=10.0, metavar="SECONDS", help="again and again")
    how.add_argument("--check", action="store_true", help="list every output; exit code 1 if one is missing")
    sync.set_defaults(run=_sync)


def _sync(a: argparse.Namespace) -> None:
    from sdetr.config.compile import compile_plan
    from sdetr.tracking.check import check
    from sdetr.tracking.follow import follow
    from sdetr.tracking.sync import sync

    plan = compile_plan(PARAMS, a.scale, a.tables, a.cell or ())
    root = Path()
    if a.check:
        faults = 0
        for one in check(plan, root):
            print(one)
            faults += bool(one.fault)
        print(f"{faults} outputs are missing in MLflow" if faults else "every output is in MLflow")
        sys.exit(faults > 0)
    if a.follow is not None:
        follow(plan, root, a.follow)
        return
    synced = sync(plan, root, 60 * a.minutes)
    if synced.left:
        raise OSError(str(synced))
    logging.info("%s", synced)
