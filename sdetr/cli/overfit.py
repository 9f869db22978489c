"""`sdetr overfit`: whether detectors can learn a few images by heart."""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sdetr.cli.verbs import PARAMS, Verbs, percent, positive

if TYPE_CHECKING:
    from sdetr.config.experiment import Composer
    from sdetr.models.settings import ModelSettings
    from sdetr.training.overfit import Overfitting, Point
    from sdetr.training.settings import ProtocolSettings

    Task: TypeAlias = tuple[Overfitting, float]
    Learned: TypeAlias = tuple[list[Point], float]

OVERFIT = (
    "train small detectors on a few images without augmentation until they know them by heart; "
    "exit code 1 if one does not"
)
BACKBONE = "supervised_r50"
"""Whose shape, at the scale, the detectors' backbones have; their weights are drawn."""


def add(verbs: Verbs) -> None:
    overfit = verbs.add_parser("overfit", help="learn a few images by heart", description=OVERFIT)
    overfit.add_argument("names", nargs="*", metavar="NAME", help="models of params/models; none: all")
    overfit.add_argument("--data", type=Path, metavar="INDEX", help="data/raw/….json; else the protocol's")
    overfit.add_argument("--images", type=positive, default=8, help="how many of it are learned (8)")
    overfit.add_argument("--protocol", default="overfit", help="schedule and sizes of images (overfit)")
    overfit.add_argument("--scale", default="overfit", help="sizes of detectors (overfit)")
    overfit.add_argument("--enough", type=percent, default=90.0, help="AP50 to reach, percent (90)")
    overfit.add_argument("--seed", type=int, default=0, help="of the weights that are drawn (0)")
    overfit.add_argument("--jobs", type=positive, default=2, help="detectors at a time (2)")
    overfit.add_argument(
        "--any-boxes", action="store_true", help="do not ask whether boxes may be those of other images"
    )
    overfit.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    overfit.set_defaults(run=_overfit)


def _overfit(a: argparse.Namespace) -> None:
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.training.overfit import Overfitting
    from sdetr.training.rehearse import refuse_others_boxes, why

    began = time.monotonic()
    composer = Composer(Params(PARAMS), a.scale)
    names = a.names or composer.params.names("models")
    trunk = composer.backbone(BACKBONE).trunk
    chosen = [_settings(composer, name, a.protocol) for name in names]  # checked before anything is drawn
    tasks = []
    for model, protocol in chosen:
        index = a.data or _prepared(composer, protocol.dataset)
        learning = Overfitting(model, trunk, protocol, index, a.images, a.device, a.seed)
        tasks.append((learning, a.enough * learning.reachable() / 100))
    finder = Composer(composer.params, "demo").proposer("edgeboxes")
    for index in dict.fromkeys(overfitting.index for overfitting, _ in tasks if not a.any_boxes):
        refuse_others_boxes(index, finder, "say --any-boxes")
    failed = []
    for name, (overfitting, enough), (points, seconds) in zip(
        names, tasks, _learned(tasks, a.jobs), strict=True
    ):
        reached = points[-1].metrics["AP50"]
        failed += [name] * (reached < enough)
        curve = " ".join(f"{point.step}:{point.metrics['AP50']:.0f}" for point in points)
        words = f"AP50 {reached:5.1f} after {points[-1].step:3} steps, {seconds:3.0f} s"
        print(f"{name:{max(map(len, names))}}  {words}   {curve}", flush=True)
        if reached < enough:
            print(f"  {why(points, overfitting)}", flush=True)
    what = f"AP50 {a.enough:g} on the images that they learned; {time.monotonic() - began:.0f} s"
    if failed:
        print(f"{', '.join(failed)}: below {what}")
        sys.exit(1)
    print(f"{len(names)} of {len(names)} detectors reach {what}")


def _settings(composer: "Composer", name: str, protocol: str) -> "tuple[ModelSettings, ProtocolSettings]":
    from sdetr.config.start import Start

    facts = composer.finetuning_facts(name, protocol, Start(BACKBONE))
    return composer.model(name, facts), composer.finetuning(protocol, facts)


@cache
def _prepared(composer: "Composer", dataset: str) -> Path:
    """The index of a data set, of the whole of it, made if it is not there.

    What we draw is looked after every time.
    """
    from sdetr.data.prepare import prepare
    from sdetr.data.subsets.settings import of_draw

    whole = composer.whole_name(of_draw(dataset, 0))
    settings, name = composer.whole(whole), composer.dataset_name(whole)
    index = Path("data") / "raw" / name / f"{settings.split}.json"
    if settings.generate or not index.exists():
        prepare(settings, name, index)
    return index


def _learned(tasks: "list[Task]", jobs: int) -> "Iterator[Learned]":
    """In the order of the tasks; several at a time have processes of their own."""
    if jobs == 1:
        yield from map(_learn, tasks)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_learn, tasks)


def _learn(task: "Task") -> "Learned":
    """The points, and the seconds that they took."""
    began = time.monotonic()
    overfitting, enough = task
    return list(overfitting.points(enough)), time.monotonic() - began
