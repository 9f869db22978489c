"""`sdetr plan` and `sdetr schema`: what `params/` say."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdetr.cli.tools import missing_tools
from sdetr.cli.verbs import PARAMS, Verbs, positive
from sdetr.config.base import SettingsError

if TYPE_CHECKING:
    from sdetr.config.estimate import RateOf
    from sdetr.config.plan import Plan


def add(verbs: Verbs) -> None:
    plan = verbs.add_parser(
        "plan", help="say which jobs the tables need and what they take, or write what the engines read"
    )
    plan.add_argument("--scale", default="demo")
    plan.add_argument("--table", action="append", help="only this table; may be repeated")
    plan.add_argument(
        "--cell", action="append", help="also this blank one, TABLE.ROW.COLUMN; may be repeated"
    )
    plan.add_argument("--jobs", action="store_true", help="list every job, also where a stage has many")
    plan.add_argument("--first", action="store_true", help="only what `make demo` makes")
    plan.add_argument(
        "--write", action="store_true", help="write the settings file of every job that changed"
    )
    plan.add_argument("--dvc", action="store_true", help="write plan.yaml and dvc.yaml, which DVC reads")
    plan.add_argument("--gpus", type=positive, default=8, metavar="N", help="of the time it will take (8)")
    plan.add_argument(
        "--probe", action="store_true", help="time some steps of each kind of run on this machine"
    )
    what = plan.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="print the plan as JSON")
    what.add_argument(
        "--markdown", action="store_true", help="print jobs and costs of every table as a page: docs/plan.md"
    )
    what.add_argument(
        "--deviations",
        action="store_true",
        help="list what is guessed or not as in the papers, and what the scale changes, table by table",
    )
    what.add_argument(
        "--check",
        action="store_true",
        help="fail when plan.yaml or dvc.yaml is another plan's; else --write, and be quiet",
    )
    plan.set_defaults(run=_plan)

    schema = verbs.add_parser("schema", help="write the JSON schemas of params/ that editors use")
    schema.set_defaults(run=_schema)


def _plan(a: argparse.Namespace) -> None:
    from sdetr.config.compile import compile_plan
    from sdetr.config.dvc import check_dvc, write_dvc

    if a.deviations:
        if a.write or a.dvc or a.first or a.cell:
            raise ValueError("--deviations only lists: it goes with --scale and --table alone")
        _print_deviations(a)
        return
    plan = compile_plan(PARAMS, a.scale, a.table or ("first" if a.first else "all"), a.cell or ())
    tables = [word for table in a.table or () for word in ("--table", table)] or ["--first"] * a.first
    cells = [word for cell in a.cell or () for word in ("--cell", cell)]
    command = " ".join(["sdetr plan --scale", a.scale, *tables, *cells])
    if a.check:
        check_dvc(plan, command)
    to_make = [
        job for job in plan.jobs.values() if not all(Path(file).exists() for file in job.outputs.values())
    ]
    missing = missing_tools(to_make)
    if missing and (a.write or a.check):
        raise SettingsError("\n".join(missing))
    print(*missing, sep="\n", end="\n" if missing else "", file=sys.stderr)
    if a.write or a.check:
        changed = plan.write()
        print(f"{len(changed)} of {len(plan.jobs)} settings files written", file=sys.stderr)
    if a.dvc:
        write_dvc(plan, command)
    if not a.check:
        _print(a, plan, command)


def _print(a: argparse.Namespace, plan: "Plan", command: str) -> None:
    from sdetr.config.costs_listing import costs_lines, costs_page
    from sdetr.config.estimate import Estimator
    from sdetr.config.listing import as_json, as_text

    if a.json:
        print(json.dumps(as_json(plan), indent=1))
        return
    estimator = Estimator(plan, _rates(a.probe), a.gpus)
    if a.markdown:
        print(costs_page(estimator, f"{command} --markdown > docs/plan.md"), end="")
        return
    print(as_text(plan, a.jobs), *costs_lines(estimator), sep="\n")


def _rates(probe: bool) -> "RateOf":
    if probe:
        from sdetr.cli.probing import Timed

        return Timed().rate_of
    from sdetr.config.layers import Params
    from sdetr.config.throughput import rate_of, stored

    files = stored(Params(PARAMS))
    return lambda _, kind: rate_of(kind, files)


def _print_deviations(a: argparse.Namespace) -> None:
    from sdetr.config.compile import shown
    from sdetr.config.deviations import deviations, everywhere
    from sdetr.config.deviations_listing import as_lines
    from sdetr.config.layers import Params

    params = Params(PARAMS)
    tables = [deviations(params, a.scale, table) for table in a.table or shown(params)]
    print("\n".join(as_lines(everywhere(params), tables)))


def _schema(a: argparse.Namespace) -> None:
    from sdetr.config.schema import write_schemas

    for path in write_schemas(PARAMS):
        print(path)
