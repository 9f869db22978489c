"""The command line: one verb per stage, as the workflow's rules call them, and `plan`."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from sdetr.config.base import SettingsError

PARAMS = Path("params")
SYNC = "mirror what has been made into MLflow: MLFLOW_TRACKING_URI, else mlflow.db in this folder"

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run: TypeAlias = Callable[[argparse.Namespace], None]


def main(arguments: list[str] | None = None) -> None:
    """Runs a verb. What a person can mend ends in one line and exit code 2, all else in a traceback."""
    parsed = _parser().parse_args(arguments)
    line = f"%(asctime)s {_who(parsed)}%(message)s"
    logging.basicConfig(level=logging.INFO, format=line, datefmt="%H:%M:%S", stream=sys.stderr)
    try:
        parsed.run(parsed)
    except BrokenPipeError:
        sys.exit(141)  # the reader of a pipe left, as in `sdetr plan | head`
    except (SettingsError, ValueError, OSError, FloatingPointError) as error:
        logging.debug("where it came from", exc_info=error)
        print(f"sdetr {parsed.verb}: {error}", file=sys.stderr)
        sys.exit(2)


def _who(parsed: argparse.Namespace) -> str:
    """Whose lines these are: several jobs share one terminal."""
    match parsed.verb:
        case "train" | "pretrain":
            return "/".join(parsed.out.parts[-4:]) + ": "  # protocol, model, start, seed
        case "backbone" | "features":
            return f"{parsed.verb} {parsed.out.stem}: "
        case _:
            return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sdetr", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

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
    plan.set_defaults(run=_plan)

    _stage(verbs, "prepare", "generate or find a data set, and write its index", _prepare)
    _stage(verbs, "backbone", "fetch or train a backbone", _backbone)
    propose = _stage(
        verbs, "propose", "propose boxes for the images of a data set, or of one shard", _propose
    )
    propose.add_argument(
        "--shard", type=_shard, metavar="K/N", help="only the K-th of N shares of the images"
    )
    merge = _stage(verbs, "merge-proposals", "join the shards of a data set's proposals", _merge)
    merge.add_argument("shards", type=Path, nargs="+")
    _stage(verbs, "views", "plan the views of a pretext", _views)
    _stage(verbs, "features", "compute frozen features of planned views ahead", _features, "--init")
    _stage(verbs, "pretrain", "pretrain a detector without labels", _pretrain, "--init")
    _stage(verbs, "train", "train a detector, and predict on its test set", _train, "--init")
    _stage(verbs, "evaluate", "measure predictions", _evaluate, "--predictions")
    _stage(verbs, "table", "render a table", _table)
    _stage(verbs, "page", "render the page of a run", _page)

    sync = verbs.add_parser("sync", help="mirror what has been made into MLflow", description=SYNC)
    sync.add_argument("--scale", default="demo")
    sync.add_argument("--tables", default="first", help="first (what `make demo` makes), all, or names: a,b")
    sync.add_argument(
        "--minutes", type=float, default=float("inf"), help="end after so long; the next sync goes on"
    )
    how = sync.add_mutually_exclusive_group()
    how.add_argument("--follow", type=float, nargs="?", const=10.0, metavar="SECONDS", help="again and again")
    how.add_argument("--check", action="store_true", help="list every output; exit code 1 if one is missing")
    sync.set_defaults(run=_sync)

    schema = verbs.add_parser("schema", help="write the JSON schemas of params/ that editors use")
    schema.set_defaults(run=_schema)
    return parser


def _stage(verbs: Verbs, name: str, words: str, run: Run, *inputs: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=words, description=words)
    for flag in ("--settings", *inputs, "--out"):
        verb.add_argument(flag, type=Path, required=True)
    if name in ("backbone", "features", "pretrain", "train"):
        verb.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    verb.set_defaults(run=run)
    return verb


def _shard(text: str) -> tuple[int, int]:
    """`3/8` → (3, 8)."""
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; expected K/N with K from 1 to N")
    return int(number), int(of)


# Each verb imports its room when it is called: planning and evaluating never pay for torch.


def _plan(a: argparse.Namespace) -> None:
    from sdetr.config.compile import compile_plan
    from sdetr.config.dvc import check_dvc, write_dvc
    from sdetr.config.listing import as_json, as_text

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


def _prepare(a: argparse.Namespace) -> None:
    from sdetr.data.prepare import prepare_run

    prepare_run(a.settings, a.out)


def _backbone(a: argparse.Namespace) -> None:
    from sdetr.training.backbone import make_backbone

    make_backbone(a.settings, a.out, a.device)


def _propose(a: argparse.Namespace) -> None:
    from sdetr.proposals.stage import propose

    propose(a.settings, a.out, a.shard)


def _merge(a: argparse.Namespace) -> None:
    from sdetr.proposals.stage import merge

    merge(a.settings, a.shards, a.out)


def _views(a: argparse.Namespace) -> None:
    from sdetr.views.stage import plan_views

    plan_views(a.settings, a.out)


def _features(a: argparse.Namespace) -> None:
    from sdetr.training.features import make_features

    make_features(a.settings, a.init, a.out, a.device)


def _pretrain(a: argparse.Namespace) -> None:
    from sdetr.training.pretrain import pretrain

    pretrain(a.settings, a.init, a.out, a.device)


def _train(a: argparse.Namespace) -> None:
    from sdetr.training.finetune import finetune

    finetune(a.settings, a.init, a.out, a.device)


def _evaluate(a: argparse.Namespace) -> None:
    from sdetr.evaluation.stage import evaluate_run

    evaluate_run(a.settings, a.predictions, a.out)


def _table(a: argparse.Namespace) -> None:
    from sdetr.report.table import make_table

    make_table(a.settings, a.out)


def _page(a: argparse.Namespace) -> None:
    from sdetr.report.run_page import make_page

    make_page(a.settings, a.out)


def _sync(a: argparse.Namespace) -> None:
    from sdetr.config.compile import compile_plan
    from sdetr.tracking.check import check
    from sdetr.tracking.follow import follow
    from sdetr.tracking.sync import sync

    plan = compile_plan(PARAMS, a.scale, a.tables if a.tables in ("first", "all") else a.tables.split(","))
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


def _schema(a: argparse.Namespace) -> None:
    from sdetr.config.schema import write_schemas

    for path in write_schemas(PARAMS):
        print(path)
