"""What a step of pretraining takes: the steps that a training takes, a few of them, with a clock beside."""

import shutil
import statistics
from itertools import pairwise
from pathlib import Path

import torch

from sdetr import record
from sdetr.data.dataset import Dataset
from sdetr.files import write_json, written_whole
from sdetr.settings_file import load
from sdetr.training.attempt import logged_to
from sdetr.training.compiled import compile_for
from sdetr.training.cost_settings import CostRun
from sdetr.training.device import choose_device, describe, moment_s, peak_bytes
from sdetr.training.loop import take_step
from sdetr.training.material import views_of
from sdetr.training.optimizer import scale_lr
from sdetr.training.paths import run_path
from sdetr.training.pretrain import files_of, search_of
from sdetr.training.stopwatch import Stopwatch
from sdetr.training.timeline import Timeline
from sdetr.training.trainee import Trainee
from sdetr.training.usage import MEBIBYTE

RESIDENT, ALLOCATED = "resident, of the process", "allocated on the device"


def measure_cost(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Takes the steps that `settings` (a CostRun) want on the backbone `init`; fills the run folder `out`.

    Nothing of what is learned is kept, and a killed one begins anew.
    """
    chosen, watch = choose_device(device), Stopwatch()
    run = load(CostRun, settings)
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / "cost.log", out=out):
        inputs = {"settings": settings, "init": init} | files_of(run)
        begun = record.begin(run.stage, path, run.seed, inputs, out, describe(chosen))
        begun["starts"] = [record.start_entry(0)]
        with written_whole(out / "settings.yaml") as temporary:
            shutil.copyfile(settings, temporary)
        watch.lap()
        seconds = _seconds(run, init, chosen)
        watch.lap("training")
        on_device = peak_bytes(chosen)
        peak = on_device or record.peak_of_process()
        took = {"memory-mb": round(peak / MEBIBYTE, 1), "step-s": statistics.median(seconds)}
        told = {"memory": ALLOCATED if on_device else RESIDENT, "batch": run.protocol.batch}
        write_json(out / "cost.json", {"metrics": took, **told, "seconds": seconds}, indent=1)
        ended = record.end(begun, {"cost.json": out / "cost.json"}, watch.seconds, on_device)
        write_json(out / "run.json", ended | {"metrics": took}, indent=1)


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
