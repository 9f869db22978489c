"""Which device does the work, decided and said once."""

import ctypes
import logging
import os
import time
from pathlib import Path

import torch

log = logging.getLogger(__name__)

CHOICES = ("auto", "cpu", "cuda", "mps")

_KEPT_BY_MALLOC = {-1: 512 << 20, -3: 32 << 20}
"""glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD (malloc.h), bytes; 32 MiB is the most that it takes."""


def choose_device(asked: str) -> torch.device:
    """`auto` takes the best there is. Raises ValueError for a device that is unknown or not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked not in CHOICES:
        raise ValueError(f"device {asked!r} is unknown; known: {', '.join(CHOICES)}")
    kind = next(name for name, is_there in there.items() if is_there) if asked == "auto" else asked
    if not there[kind]:
        found = ", ".join(name for name, is_there in there.items() if is_there)
        said = f"device {kind} was asked for, but torch {torch.__version__} finds only: {found}"
        raise ValueError(said + _unreached(kind))
    if kind == "cpu" != asked and (why := _unreached("cuda")):
        log.warning("the CPU is taken%s", why)
    if kind == "cpu":
        _prepare_cpu()
    device = torch.device(kind)
    if kind == "cuda" and "LOCAL_RANK" in os.environ:  # one of several processes, each of which has a GPU
        device = torch.device(kind, int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    log.info("device: %s (asked for: %s)", describe(device), asked)
    return device


def has_nvidia() -> bool:
    """Whether Linux lists an NVIDIA GPU, whatever drives it."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def _is_hidden() -> bool:
    """Whether this process was given none of them: by a variable, or by a cluster that gave its job none."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return shown in ("", "-1", "NoDevFiles") if shown is not None else "SLURM_JOB_ID" in os.environ


def _unreached(kind: str) -> str:
    """Why torch does not see a GPU that is there; empty if there is none."""
    if kind != "cuda" or not has_nvidia() or _is_hidden():
        return ""
    if torch.version.cuda is None:
        return f"; there is an NVIDIA GPU, but torch {torch.__version__} was built without CUDA"
    built = f"torch was built for CUDA {torch.version.cuda}"
    return f"; there is an NVIDIA GPU, but {built}, and its driver may be older: nvidia-smi says for which"


def _prepare_cpu() -> None:
    """What the environment does not say: one thread, and memory that stays with the process when freed."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)  # a second one gives tiny models nothing; it spins and slows neighbours
    # As shipped, glibc gives a freed batch back to the system, and the next one costs a page fault per 4 KiB:
    # a fifth of the time of samples of 500 pixels. Other C libraries have no mallopt.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt and not {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"} & set(os.environ):
        for option, size in _KEPT_BY_MALLOC.items():
            mallopt(option, size)


def rounds_frozen(bfloat16: str, device: torch.device) -> frozenset[str]:
    """Kinds of device on which a frozen backbone computes in bfloat16, as a schedule's `bfloat16` has it.

    Raises ValueError for a CPU that is to do so, but would be slower for it.
    """
    if bfloat16 == "nothing":
        return frozenset()
    if bfloat16 != "frozen_anywhere":
        return frozenset({"cuda"})
    if device.type == "cpu" and not (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    ):
        raise ValueError(
            "bfloat16: frozen_anywhere, but this CPU has neither AVX512-BF16 nor AMX and would be slower "
            "with it; say frozen, or use a GPU"
        )
    return frozenset({"cuda", "cpu"})


def peak_bytes(device: torch.device) -> int | None:
    """Most memory that was allocated on the device; None where it keeps no count."""
    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else None


def moment_s(device: torch.device) -> float:
    """Seconds of a clock, read when the device has done what it was told to."""
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter()


def describe(device: torch.device) -> str:
    """For people and records: `cpu, 1 thread of 2 cores` or `cuda, NVIDIA …`."""
    if device.type == "cuda":
        return f"cuda, {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    return f"{device.type}, {threads} thread{'s' * (threads > 1)} of {os.cpu_count()} cores"
