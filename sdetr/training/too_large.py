"""What is too large for its GPU: what was asked of it, and what would fit."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sdetr.training.device import describe, peak_bytes
from sdetr.training.settings import ScheduleSettings
from sdetr.training.update import Batch

GIGABYTE = 1e9


@contextmanager
def told_if_too_large(
    doing: str,
    schedule: ScheduleSettings,
    device: torch.device,
    batch: Batch | None = None,
    images: bool = True,
) -> Iterator[None]:
    """Raises MemoryError in place of torch's own, with shapes, the peak, and settings that take less.

    `images`: there are some; what takes less of weights alone is no setting.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        peak = peak_bytes(device)
        most = f", {peak / GIGABYTE:.1f} GB allocated at most" if peak else ""
        asked, fits = _of_a_step(batch, schedule) if batch else ("", [])
        fits += ["bfloat16: all"] if images and schedule.bfloat16 != "all" else []
        fits += ["smaller images (short, longest)" if images else "a GPU that nobody else uses (nvidia-smi)"]
        raise MemoryError(
            f"{doing}: no memory left on {describe(device)}{asked}{most}; the saved state is good. "
            f"What takes less: {'; '.join(fits)}"
        ) from error


def _of_a_step(batch: Batch, schedule: ScheduleSettings) -> tuple[str, list[str]]:
    """What was tried, and less of it."""
    images = batch[0].images
    tried = min(schedule.micro_batch or len(images), len(images))
    divisible = tried > 1 and len(batch) == 1  # pairs of views share their batch's statistics
    fits = [f"micro_batch: {tried // 2} (the same gradients)"] if divisible else []
    fits += ["gpu: N of the stage's resources, which shares the batch"]
    return f" for {len(batch)} view(s) of {tuple(images.shape)}, {tried} at a time", fits
