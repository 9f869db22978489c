"""`sdetr plan` and `sdetr schema`: what `params/` say."""

import argparse
import json
import sys

from sdetr.cli.verbs import PARAMS, Verbs


def add(verbs: Verbs) -> None:
    plan = verbs.add_parser("plan", help="list the jobs that the tables need, or write what the engines read")
    plan.add_argument("--scale", default="demo")
    plan.add_argument("--table", action="append", help="only this table; may be repeated")
    plan.add_argument("--first", action="store_true", help="only what `make demo` makes")
    plan.add_argument("--json", action="store_true", help="print the plan as JSON")
    plan.add_argument(
        "--write", action="store_true", help="write the settings file of every job that changed"
    )
    plan.add_argument("--dvc", action="store_true", help="write plan.yaml and dvc.yaml, which DVC reads")
    plan.add_argument(
        "--check",
        action="store_true",
        help="fail when these two are another plan's; else --write, and be quiet",
    )
    plan.add_argument(
        "--deviations",
        action="store_true",
        help="list what is guessed or not as in the papers, and what the scale changes, table by table",
    )
    plan.set_defaults(run=_plan)

    schema = verbs.add_parser("schema", help="write the JSON schemas of params/ that editors use")
    schema.set_defaults(run=_schema)


def _plan(a: argparse.Namespace) -> None:
    from sdetr.config.compile import compile_plan
    from sdetr.config.dvc import check_dvc, write_dvc
    from sdetr.config.listing import as_json, as_text

    if a.deviations:
        _print_deviations(a)
        return
    plan = compile_plan(PARAMS, a.scale, a.table or ("first" if a.first else "all"))
    tables = [word for table in a.table or () for word in ("--table", table)] or ["--first"] * a.first
    command = " ".join(["sdetr plan --scale", a.scale, *tables])
    if a.check:
        check_dvc(plan, command)
    if a.write or a.check:
        changed = plan.write()
        print(f"{len(changed)} of {len(plan.jobs)} settings files written", file=sys.stderr)
    if a.dvc:
        write_dvc(plan, command)
    if a.check:
        return
    print(json.dumps(as_json(plan), indent=1) if a.json else as_text(plan))


def _print_deviations(a: argparse.Namespace) -> None:
    from sdetr.config.deviations import deviations, everywhere
    from sdetr.config.deviations_listing import as_lines
    from sdetr.config.layers import Params

    params = Params(PARAMS)
    tables = [deviations(params, a.scale, table) for table in a.table or params.names("tables")]
    print("\n".join(as_lines(everywhere(params), tables)))


def _schema(a: argparse.Namespace) -> None:
    from sdetr.config.schema import write_schemas

    for path in write_schemas(PARAMS):
        print(path)
