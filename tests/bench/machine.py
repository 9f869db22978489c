"""What numbers depend on: the machine, and the code."""

import os
import platform
from pathlib import Path

import torch

from sdetr.commit import current_commit, has_changes


def machine() -> str:
    """One line: CPU, cores, memory, what else runs, torch, GPU."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    parts = (
        f"{_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        f"load {os.getloadavg()[0]:.1f}",
        f"torch {torch.__version__}",
        gpu,
    )
    return "; ".join(parts)


def commit(root: Path) -> str:
    """The state of code, tests and params."""
    changed = any(has_changes(root / folder) for folder in ("sdetr", "tests", "params"))
    return f"commit {(current_commit(root) or 'unknown')[:10]}{' + changes' * changed}"


def _cpu() -> str:
    """Its name as Linux has it, or whatever Python knows."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
