"""Steps of every pretext on a GPU, at the papers' sizes, on batches that are there already."""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from sdetr.config.experiment import Composer
from sdetr.training import probe
from sdetr.training.device import peak_bytes
from sdetr.training.loop import take_step
from sdetr.training.material import preparing
from sdetr.training.probe import noise
from sdetr.training.settings import PretrainRun
from sdetr.training.trainee import Trainee
from tests.bench.harness import LeftOutError, Row, alone, main
from tests.models.small import PARAMS

PRETEXTS = {
    "updetr": ("detr", "updetr-imagenet-60e"),
    "detreg": ("deformable", "detreg-in100-50e"),
    "siamese": ("conditional", "siamese-imagenet-60e"),
}
"""Detector and protocol of each."""
BATCHES, SIZE_PX, WARM, STEPS = (4, 32), (480, 640), 20, 50
MOST_WAITS = 3
MOST_IDLE, OF_BATCH = 0.1, 32
PROFILED = 3
"""Steps."""


@dataclass(frozen=True)
class Measured:
    """Of one step."""

    seconds: float
    waits: int
    """Of the host for the device."""
    peak_bytes: int | None
    busy_seconds: float
    """In which the device computed."""

    @property
    def idle(self) -> float:
        """The share in which it did not."""
        return max(0.0, 1 - self.busy_seconds / self.seconds)


def rows() -> Iterator[Row]:
    if not torch.cuda.is_available():
        raise LeftOutError("steps need a GPU, and torch finds none")
    device = torch.device("cuda")
    for pretext in PRETEXTS:
        for batch in BATCHES:
            torch.cuda.reset_peak_memory_stats()
            found = measured(pretext, "paper", batch, SIZE_PX, device, WARM, STEPS)
            what = f"{pretext} on {PRETEXTS[pretext][0]}, R50, {batch} images of {SIZE_PX[0]}×{SIZE_PX[1]}"
            rate, memory = batch / found.seconds, (found.peak_bytes or 0) / 2**30
            note = f"{rate:.0f} images/s, {memory:.1f} GiB at most"
            yield alone(f"step of {what} (clock)", f"{1000 * found.seconds:.3g} ms", note=note)
            reached = found.waits <= MOST_WAITS
            yield alone(f"waits in a step of {what}", f"{found.waits}", f"≤ {MOST_WAITS}", reached)
            if batch == OF_BATCH:
                aim, little = f"< {MOST_IDLE:.0%}", found.idle < MOST_IDLE
                yield alone(f"idle share of a step of {what}", f"{found.idle:.0%}", aim, little)


def measured(
    pretext: str,
    scale: str,
    batch: int,
    size_px: tuple[int, int],
    device: torch.device,
    warm: int,
    steps: int,
) -> Measured:
    """A mean over `steps` steps, the waits of one more, and the work of some others."""
    run, trainee = beginning(pretext, scale, device)
    views = noise(run, batch, device, size_px)
    prepared = preparing(run.views)

    def step() -> None:
        take_step(trainee, views, run.protocol, run.seed, device, prepared)

    for _ in range(warm):
        step()
    _finish(device)
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    _finish(device)
    seconds = (time.perf_counter() - begin) / steps
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _warn_of_waits(device, "warn")
        step()
        _warn_of_waits(device, "default")
    waits = sum("synchroniz" in str(one.message) for one in said)
    return Measured(seconds, waits, peak_bytes(device), _busy_seconds(step, device))


def beginning(pretext: str, scale: str, device: torch.device) -> tuple[PretrainRun, Trainee]:
    """A scale's settings, weights as they are drawn, no file of data."""
    model, protocol = PRETEXTS[pretext]
    compose = Composer(PARAMS, scale)
    facts = compose.pretraining_facts(model, protocol, pretext)
    schedule, task = compose.pretraining(protocol, facts), compose.pretext(pretext, facts)
    trunk = compose.backbone(schedule.backbone).trunk
    run = PretrainRun(
        stage="pretrain",
        recipe=1,
        seed=0,
        protocol=schedule.model_copy(update={"micro_batch": None}),
        pretext=task,
        views=compose.views(task.views, facts),
        model=compose.model(model, facts),
        trunk=trunk,
        dataset="none",
        plan="none",
        target="drawn",
    )
    return run, probe.beginning(run, device)


def _busy_seconds(step: Callable[[], None], device: torch.device) -> float:
    """What the kernels of a step take together; on one stream none runs beside another."""
    on_gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as told:
        for _ in range(PROFILED):
            step()
        _finish(device)
    microseconds = sum(
        kind.self_device_time_total if on_gpu else kind.self_cpu_time_total for kind in told.key_averages()
    )
    return microseconds / 1e6 / PROFILED


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _warn_of_waits(device: torch.device, mode: str) -> None:
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode(mode)


if __name__ == "__main__":
    main(rows)
