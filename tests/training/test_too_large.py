"""A GPU that is too small, wherever it shows, is told with what was asked of it and what takes less."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sdetr.objectives.objective import Objective
from sdetr.training import too_large
from sdetr.training.loop import train
from sdetr.training.settings import ScheduleSettings
from sdetr.training.timeline import Timeline
from sdetr.types import View
from tests.training.resuming import Batches, Begin, evaluated


@pytest.mark.parametrize("micro_batch, tried", [(None, 4), (2, 2)])
def test_fault_41_a_gpu_that_is_too_small_is_told_with_shapes_and_with_what_takes_less(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    micro_batch: int | None,
    tried: int,
) -> None:
    def too_large(views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    toy.forward = too_large  # type: ignore[method-assign]
    settings = schedule(micro_batch=micro_batch)
    said = rf"step 0: no memory left .* of \(4, 3, 6, 6\), {tried} at a time.*: micro_batch: {tried // 2} "
    with pytest.raises(MemoryError, match=f"{said}.*; gpu: N .*; bfloat16: all; smaller images"):
        train(toy, batches, Timeline.of(settings, 1), attempt_in(tmp_path, settings), evaluated)


def gone(*_: object, **__: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    "where, said",
    [
        ("weights", "before the first step"),
        ("evaluation", "evaluation after step 4"),
        ("optimiser", r"step 0: no memory left on .* for 1 view\(s\) .*, 4 at a time"),
    ],
)
def test_fault_41_so_is_one_that_is_too_small_for_weights_an_evaluation_or_the_optimisers_state(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    said: str,
) -> None:
    monkeypatch.setattr(too_large, "peak_bytes", lambda device: 79_600_000_000)
    if where == "weights":
        monkeypatch.setattr(toy, "to", gone)
    if where == "optimiser":
        monkeypatch.setattr(torch.optim.AdamW, "step", gone)
    asked = gone if where == "evaluation" else evaluated
    settings = schedule()
    less = "a GPU that nobody else" if where == "weights" else ".*smaller images"
    with pytest.raises(MemoryError, match=rf"^{said}.*, 79\.6 GB allocated at most; .* less: {less}"):
        train(toy, batches, Timeline.of(settings, 1), attempt_in(tmp_path, settings), asked)  # type: ignore[arg-type]
