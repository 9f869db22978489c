"""How fast a run would train: timed on the steps that a training takes, on batches like its own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from sdetr.cli import main
from sdetr.config.compile import compile_plan
from sdetr.config.differences import KINDS
from sdetr.config.plan import Plan
from sdetr.config.throughput import alike
from sdetr.training import probe
from sdetr.training.device import choose_device
from sdetr.training.settings import FinetuneRun, PretrainRun

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return compile_plan(ROOT / "params", "smoke", ["siamese-voc", "detreg-proposals", "updetr-frozen"])


def runs(plan: Plan) -> dict[str, PretrainRun | FinetuneRun]:
    """One of each kind."""
    jobs = {alike(job): job for stage in ("pretrain", "finetune") for job in plan.of(stage)}
    return {
        str(kind): TypeAdapter(KINDS[job.stage]).validate_python(job.settings) for kind, job in jobs.items()
    }


def test_every_kind_of_run_trains_on_its_noise(plan, monkeypatch):
    monkeypatch.setattr(probe, "STEPS", 1)
    kinds = runs(plan)
    assert len(kinds) > 6
    for name, run in kinds.items():
        assert probe.images_per_second(run, torch.device("cpu")) > 0, name


def test_a_second_is_shared_by_the_images_of_a_batch(plan, monkeypatch):
    """Steps of a tenth of a second, whatever is in them."""
    clock, run = iter(range(1000)), next(iter(runs(plan).values()))
    monkeypatch.setattr(probe, "moment_s", lambda device: next(clock) / 10)
    monkeypatch.setattr(probe, "take_step", lambda *_: {})
    batch = min(run.protocol.batch, probe.IMAGES)
    assert probe.images_per_second(run, torch.device("cpu")) == pytest.approx(10 * batch)


def test_noise_is_shaped_as_what_a_run_sees(plan):
    for run in runs(plan).values():
        views: list[Any] = probe.noise(run, 3, torch.device("cpu"))
        assert {tuple(view.padding.shape) for view in views} == {tuple(views[0].padding.shape)}
        assert {len(view.boxes) for view in views} == {3}
        if isinstance(run, PretrainRun):
            assert len(views) == (2 if run.views.kind == "pairs" else 1)
            ahead = run.features is not None
            assert all((view.maps is not None) == ahead == (view.crops is None) for view in views)
            assert {len(boxes) for view in views for boxes in view.boxes} == {run.views.regions}


def test_the_verb_times_each_kind_once(monkeypatch, capsys):
    asked: list[Any] = []

    def timed(run: Any, device: torch.device) -> float:
        asked.append((type(run), run.model.variant, device))
        return 100.0

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sdetr.cli.probing.images_per_second", timed)
    main(["plan", "--scale", "smoke", "--table", "updetr-frozen", "--probe"])
    said = capsys.readouterr().out
    assert len(asked) == 3 and {device for *_, device in asked} == {choose_device("auto")}
    assert (
        "100 images/s" in said
        and "measured now: finetune detr, 12 queries" in said
        and "≥" not in said.split("GPU")[1]
    )


def test_one_shot_noise_has_a_crop_to_an_image_and_one_class():
    plan = compile_plan(ROOT / "params", "smoke", ["updetr-oneshot"])
    run = TypeAdapter(FinetuneRun).validate_python(plan.of("finetune")[0].settings)
    (view,) = probe.noise(run, 3, torch.device("cpu"))
    assert view.crops.shape == (3, 1, 3, 32, 32)
    assert {label for labels in view.labels for label in labels.tolist()} == {0}
    assert probe.images_per_second(run, torch.device("cpu")) > 0
