"""One loop trains every objective: fine-tuning, pretraining, the embedded backbone."""

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from sdetr.data.normalise import normalise
from sdetr.data.shared import told_if_dead
from sdetr.objectives.objective import Objective
from sdetr.training import halt
from sdetr.training.attempt import Attempt
from sdetr.training.capsule import kept_if_not_finite
from sdetr.training.compiled import begin_step, compile_for, uncompiled
from sdetr.training.optimizer import scale_lr
from sdetr.training.progress import Progress
from sdetr.training.ranks import ALONE, Ranks
from sdetr.training.settings import Compile, ScheduleSettings
from sdetr.training.timeline import Timeline
from sdetr.training.too_large import told_if_too_large
from sdetr.training.trainee import Trainee
from sdetr.training.update import Batch, Prepare, clip_or_refuse, gradients
from sdetr.training.usage import Usage

log = logging.getLogger(__name__)

LINE_EVERY = 20
"""Most steps between two lines of the curve: the only reason to fetch losses from the device."""

Batches = Callable[[int], Iterator[Batch]]
"""Step → the batches of this step and of all that follow."""

Evaluate = Callable[[Objective, int], dict[str, float]]
"""An objective in eval mode, after so many steps → metrics by name."""


def train(
    objective: Objective,
    batches: Batches,
    timeline: Timeline,
    attempt: Attempt,
    evaluate: Evaluate,
    prepare: Prepare = normalise,
) -> Objective:
    """From the attempt's state to the end of the timeline; returns what was evaluated last.

    Raises FloatingPointError, naming losses, step, images and the step's capsule, when a loss or gradient is
    not finite; OSError when states have no room; Halted, with everything saved, when somebody asked.
    """
    with halt.at_step_ends(), told_if_dead():
        return _trained(objective, batches, timeline, attempt, evaluate, prepare)


def _trained(
    objective: Objective,
    batches: Batches,
    timeline: Timeline,
    attempt: Attempt,
    evaluate: Evaluate,
    prepare: Prepare,
) -> Objective:
    schedule, device = timeline.schedule, attempt.device
    with told_if_too_large("before the first step", schedule, device, images=False):
        trainee = Trainee.begin(objective.to(device).train(), schedule, attempt.saved)
    attempt.refuse_small_disk(trainee.state_bytes)
    compile_for(device, objective, schedule.compile)
    progress = Progress(trainee, timeline, device)
    points, line_every = timeline.points(), max(1, min(LINE_EVERY, timeline.total // 10))
    coming, saved_at = batches(trainee.step), time.monotonic()
    usage = Usage(device, trainee.step)
    attempt.watch.lap()

    while True:
        if trainee.step in points:
            attempt.watch.lap("training")
            with told_if_too_large(f"evaluation after step {trainee.step}", schedule, device):
                metrics = _evaluated(trainee, evaluate, schedule.compile)
            attempt.write(
                step=trainee.step,
                epoch=float(points[trainee.step]),
                **{f"test/{name}": value for name, value in metrics.items()},
            )
            objective.train()
            attempt.watch.lap("evaluation")
            usage.restart(trainee.step)
        if trainee.step == timeline.total:
            return trainee.shown

        lr = scale_lr(trainee.optimizer, timeline.lr_factor(trainee.step))
        batch = next(coming)
        with kept_if_not_finite(attempt, trainee, batch):
            values = take_step(trainee, batch, schedule, attempt.seed, device, prepare, attempt.ranks)

        if trainee.step % line_every == 0 or trainee.step == timeline.total:
            means = dict(zip(values, trainee.window_means(), strict=True))
            attempt.write(
                step=trainee.step,
                epoch=timeline.epoch_at(trainee.step),
                **{f"train/{name}": value for name, value in means.items()},
                **{"train/lr": lr},
                **usage.since(trainee.step),
            )
        if attempt.ranks.leads:
            progress.tell(trainee.step, values["total"])
        # Before an evaluation too: it takes long, and stops for whoever asks.
        asked = attempt.ranks.any(halt.asked())
        if trainee.step in points or asked or time.monotonic() - saved_at >= schedule.save_every_s:
            attempt.watch.lap("training")
            attempt.save(trainee.state())
            saved_at = time.monotonic()
            if asked:
                attempt.ranks.led(None)  # nobody leaves before the leading one has saved
                halt.halt()


def take_step(
    trainee: Trainee,
    batch: Batch,
    schedule: ScheduleSettings,
    seed: int,
    device: torch.device,
    prepare: Prepare = normalise,
    ranks: Ranks = ALONE,
) -> dict[str, Tensor]:
    """One update, at the optimiser's present learning rates. Returns losses, `total`, `grad_norm` and meters.

    Raises FloatingPointError when a loss or gradient is not finite; nothing has been updated then. Raises
    MemoryError when a GPU's is too small.
    """
    with told_if_too_large(f"step {trainee.step}", schedule, device, batch):
        return _taken(trainee, batch, schedule, seed, device, prepare, ranks)


def _taken(
    trainee: Trainee,
    batch: Batch,
    schedule: ScheduleSettings,
    seed: int,
    device: torch.device,
    prepare: Prepare,
    ranks: Ranks,
) -> dict[str, Tensor]:
    objective = trainee.objective
    torch.manual_seed(_seed_of(seed, trainee.step, ranks.rank))
    begin_step(schedule.compile)
    trainee.optimizer.zero_grad()
    half = schedule.bfloat16 == "all"
    losses = gradients(objective, batch, schedule.micro_batch, device, prepare, half, ranks)
    losses["grad_norm"] = clip_or_refuse(objective, losses, schedule.clip, trainee.step, batch)
    meters = ranks.add_up(list(objective.meters.values()))
    values = losses | {n: m / ranks.world for n, m in zip(objective.meters, meters, strict=True)}
    trainee.updated(values)
    return values


def _evaluated(trainee: Trainee, evaluate: Evaluate, how: Compile) -> dict[str, float]:
    with halt.at_once(), torch.no_grad(), uncompiled(how):
        metrics = evaluate(trainee.shown.eval(), trainee.step)
    log.info("evaluated: %s", ", ".join(f"{name} {value:.1f}" for name, value in metrics.items()))
    return metrics


def _seed_of(seed: int, step: int, rank: int = 0) -> int:
    """What dropout draws depends on run, step and rank alone: not on evaluations, loaders, or kills."""
    which = (seed, step, rank) if rank else (seed, step)
    return int(np.random.SeedSequence(which).generate_state(1)[0])
