"""What a step of pretraining takes: the steps that a training takes, a few of them, with a clock beside."""

import statistics
from itertools import pairwise
from pathlib import Path

import torch

from sdetr import record
from sdetr.data.dataset import Dataset
from sdetr.files import write_json
from sdetr.settings_file import load
from sdetr.training.compiled import compile_for
from sdetr.training.cost_settings import CostRun
from sdetr.training.device import choose_device, moment_s, peak_bytes
from sdetr.training.loop import take_step
from sdetr.training.material import views_of
from sdetr.training.optimizer import scale_lr
from sdetr.training.pretrain import files_of, search_of
from sdetr.training.short_run import short_run
from sdetr.training.timeline import Timeline
from sdetr.training.trainee import Trainee
from sdetr.training.usage import MEBIBYTE

RESIDENT, ALLOCATED = "resident, of the process", "allocated on the device"


def measure_cost(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Takes the steps that `settings` (a CostRun) want on the backbone `init`; fills the run folder `out`.

    Nothing of what is learned is kept, and a killed one begins anew.
    """
    chosen, run = choose_device(device), load(CostRun, settings)
    with short_run(run.stage, settings, out, run.seed, {"init": init} | files_of(run), chosen) as short:
        short.watch.lap()
        seconds = _seconds(run, init, chosen)
        short.watch.lap("training")
        on_device = peak_bytes(chosen)
        peak = on_device or record.peak_of_process()
        took = {"memory-mb": round(peak / MEBIBYTE, 1), "step-s": statistics.median(seconds)}
        told = {"memory": ALLOCATED if on_device else RESIDENT, "batch": run.protocol.batch}
        write_json(out / "cost.json", {"metrics": took, **told, "seconds": seconds}, indent=1)
        short.finish(["cost.json"], on_device, metrics=took)


def _seconds(run: CostRun, init: Path, device: torch.device) -> list[float]:
    """Of every step after the warm ones, from one update to the next: loading, colours and all."""
    schedule, material = run.protocol, views_of(run, Dataset(Path(run.dataset)))
    trainee = Trainee.begin(search_of(run, init, device).to(device).train(), schedule, None)
    compile_for(device, trainee.objective, schedule.compile)
    timeline = Timeline.of(schedule, material.batches.steps_per_pass)
    coming, moments = material.batches.from_step(0), []
    for step in range(run.warm_steps + run.steps):
        if step == run.warm_steps:
            moments.append(moment_s(device))
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
        scale_lr(trainee.optimizer, timeline.lr_factor(step))
        take_step(trainee, next(coming), schedule, run.seed, device, material.prepared)
        if step >= run.warm_steps:
            moments.append(moment_s(device))
    return [after - before for before, after in pairwise(moments)]
