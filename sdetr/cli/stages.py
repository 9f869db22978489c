"""One verb per stage of the plan."""

import argparse
from pathlib import Path

from sdetr.cli.verbs import Run, Verbs, positive

ON_A_DEVICE = ("backbone", "features", "rehearse", "pretrain", "train", "measure", "look", "cost")


def add(verbs: Verbs) -> None:
    _stage(verbs, "prepare", "generate or find a data set, and write its index", _prepare)
    _stage(verbs, "subset", "write the index of part of a data set", _subset)
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
    _stage(verbs, "rehearse", "learn a few images by heart before anything long", _rehearse)
    pretrain = _stage(verbs, "pretrain", "pretrain a detector without labels", _pretrain, "--init")
    train = _stage(verbs, "train", "train a detector, and predict on its test set", _train, "--init")
    for verb in (pretrain, train):
        verb.add_argument("--ranks", type=int, default=1, help="processes that share it, one per GPU")
        verb.add_argument("--nodes", type=positive, default=1, help="machines of a SLURM job that have them")
        verb.add_argument("--threads", type=positive, default=1, help="processor cores on each of these")
    _stage(verbs, "measure", "predict objects of any class, without fine-tuning", _measure)
    _stage(verbs, "look", "find what a figure shows of a detector", _look)
    _stage(verbs, "cost", "take a few steps of a pretraining, and say what a step takes", _cost, "--init")
    _stage(verbs, "evaluate", "measure predictions", _evaluate, "--predictions")
    _stage(verbs, "table", "render a table", _table)
    _stage(verbs, "figure", "draw a figure", _figure)
    _stage(verbs, "page", "render the page of a run", _page)
    _stage(verbs, "index", "render the page of all tables and figures", _index)


def _stage(verbs: Verbs, name: str, words: str, run: Run, *inputs: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=words, description=words)
    for flag in ("--settings", *inputs, "--out"):
        verb.add_argument(flag, type=Path, required=True)
    if name in ON_A_DEVICE:
        verb.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    verb.set_defaults(run=run)
    return verb


def _shard(text: str) -> tuple[int, int]:
    """`3/8` → (3, 8)."""
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; expected K/N with K from 1 to N")
    return int(number), int(of)


def _prepare(a: argparse.Namespace) -> None:
    from sdetr.data.prepare import prepare_run

    prepare_run(a.settings, a.out)


def _subset(a: argparse.Namespace) -> None:
    from sdetr.data.subsets.subset import subset_run

    subset_run(a.settings, a.out)


def _backbone(a: argparse.Namespace) -> None:
    from sdetr.training.backbone import make_backbone
    from sdetr.training.halt import unless_halted

    unless_halted(lambda: make_backbone(a.settings, a.out, a.device))


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


def _rehearse(a: argparse.Namespace) -> None:
    from sdetr.training.rehearse import rehearse

    rehearse(a.settings, a.out, a.device)


def _pretrain(a: argparse.Namespace) -> None:
    _share(a)
    from sdetr.training.halt import unless_halted
    from sdetr.training.pretrain import pretrain

    unless_halted(lambda: pretrain(a.settings, a.init, a.out, a.device))


def _train(a: argparse.Namespace) -> None:
    _share(a)
    from sdetr.training.finetune import finetune
    from sdetr.training.halt import unless_halted

    unless_halted(lambda: finetune(a.settings, a.init, a.out, a.device))


def _share(a: argparse.Namespace) -> None:
    """Becomes as many processes as were asked for, each of which calls the verb; returns in each of them."""
    from sdetr.training.launch import Launch

    files = [f"--{name}={getattr(a, name)}" for name in ("settings", "init", "out", "device")]
    Launch(a.ranks, a.nodes, a.threads).become([a.verb, *files])


def _measure(a: argparse.Namespace) -> None:
    from sdetr.training.measure import measure

    measure(a.settings, a.out, a.device)


def _look(a: argparse.Namespace) -> None:
    from sdetr.training.look import look

    look(a.settings, a.out, a.device)


def _cost(a: argparse.Namespace) -> None:
    from sdetr.training.cost import measure_cost

    measure_cost(a.settings, a.init, a.out, a.device)


def _evaluate(a: argparse.Namespace) -> None:
    from sdetr.evaluation.stage import evaluate_run

    evaluate_run(a.settings, a.predictions, a.out)


def _table(a: argparse.Namespace) -> None:
    from sdetr.report.table import make_table

    make_table(a.settings, a.out)


def _figure(a: argparse.Namespace) -> None:
    from sdetr.report.figure import make_figure

    make_figure(a.settings, a.out)


def _page(a: argparse.Namespace) -> None:
    from sdetr.report.run_page import make_page

    make_page(a.settings, a.out)


def _index(a: argparse.Namespace) -> None:
    from sdetr.report.index import make_index

    make_index(a.settings, a.out)
