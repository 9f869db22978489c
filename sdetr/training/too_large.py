"""A step that is too large for its GPU: what was asked of it, and what would fit."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sdetr.training.device import describe, peak_bytes
from sdetr.training.settings import ScheduleSettings
from sdetr.training.update import Batch

GIGABYTE = 1e9


@contextmanager
def told_if_too_large(
    step: int, batch: Batch, schedule: ScheduleSettings, device: torch.device
) -> Iterator[None]:
    """Raises MemoryError in place of torch's own, with shapes, the peak, and settings that take less."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        images = batch[0].images
        tried = min(schedule.micro_batch or len(images), len(images))
        divisible = tried > 1 and len(batch) == 1  # pairs of views share their batch's statistics
        fits = [f"micro_batch: {tried // 2} (the same gradients)"] if divisible else []
        fits += ["bfloat16: all"] if schedule.bfloat16 != "all" else []
        fits += ["gpu: N of the stage's resources, which shares the batch", "smaller images (short, longest)"]
        peak = peak_bytes(device)
        most = f", {peak / GIGABYTE:.1f} GB allocated at most" if peak else ""
        raise MemoryError(
            f"step {step}: no memory left on {describe(device)} for {len(batch)} view(s) of "
            f"{tuple(images.shape)}, {tried} at a time{most}; nothing was updated, the saved state is good. "
            f"What takes less: {'; '.join(fits)}"
        ) from error
