"""What the process took of its machine between two lines of the curve."""

import os
import resource
import sys
import time
from pathlib import Path

import torch

MEBIBYTE = 1 << 20
STATM = Path("/proc/self/statm")


class Usage:
    """Keys are MLflow's: `system/…` stands on a page of its own there."""

    def __init__(self, device: torch.device, step: int) -> None:
        self._device = device
        self.restart(step)

    def restart(self, step: int) -> None:
        """What has passed since the last line was no training."""
        self._step, self._wall, self._cpu = step, time.perf_counter(), time.process_time()

    def since(self, step: int) -> dict[str, float]:
        """Of the steps since the last call. Processor and memory are this process's, without its loaders'."""
        steps, wall = step - self._step, time.perf_counter() - self._wall
        cpu = time.process_time() - self._cpu
        self.restart(step)
        used = {
            "system/steps_per_second": round(steps / max(wall, 1e-9), 3),
            "system/cpu_percent": round(100 * cpu / max(wall, 1e-9), 1),
            "system/memory_megabytes": round(_resident_bytes() / MEBIBYTE, 1),
        }
        if self._device.type == "cuda":
            allocated = torch.cuda.max_memory_allocated(self._device)
            used["system/gpu_memory_megabytes"] = round(allocated / MEBIBYTE, 1)
        return used


def _resident_bytes() -> int:
    """Now, where the system says it (Linux); else the most there has been."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
