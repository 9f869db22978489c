import logging
import os
import platform
import subprocess
import sys

import pytest
import torch

from sdetr.training import device
from sdetr.training.device import choose_device, describe, rounds_frozen


def test_fault_61_a_device_that_is_not_there_is_refused_with_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device cuda was asked for, but torch .* finds only: .*cpu"):
        choose_device("cuda")


def test_fault_61_an_unknown_device_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'tpu' is unknown; known: auto, cpu, cuda, mps"):
        choose_device("tpu")


def test_fault_61_a_gpu_that_torch_was_built_for_but_cannot_reach_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(device, "has_nvidia", lambda: True)
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r"only: cpu; there is an NVIDIA GPU, .* CUDA 12\.8, .*: nvidia-smi"):
        choose_device("cuda")
    with caplog.at_level(logging.WARNING, "sdetr"):
        assert choose_device("auto").type == "cpu"
    assert "there is an NVIDIA GPU" in caplog.text
    caplog.clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # nobody wants it to be seen
    assert choose_device("auto").type == "cpu" and "NVIDIA" not in caplog.text


@pytest.mark.parametrize("asked", ["auto", "mps"])
@pytest.mark.parametrize("there", [True, False])
def test_fault_61_apples_gpu_is_taken_where_it_is(
    monkeypatch: pytest.MonkeyPatch, asked: str, there: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there)
    if asked == "mps" and not there:
        with pytest.raises(ValueError, match=r"device mps was asked for, but torch .* finds only: cpu"):
            choose_device(asked)
    else:
        assert choose_device(asked).type == ("mps" if there else "cpu")


@pytest.mark.parametrize(("cuda", "kind"), [(True, "cuda"), (False, "cpu")])
def test_fault_61_auto_takes_the_best_there_is_and_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cuda: bool, kind: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    monkeypatch.setattr(device, "has_nvidia", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with caplog.at_level(logging.INFO, "sdetr"):
        assert choose_device("auto").type == kind
    assert len(caplog.records) == 1
    assert f"device: {kind}" in caplog.text


def test_the_number_of_threads_is_the_environments_or_one(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        choose_device("cpu")
        assert torch.get_num_threads() == 2
        monkeypatch.delenv("OMP_NUM_THREADS")
        choose_device("cpu")
        assert torch.get_num_threads() == 1
        assert "1 thread of" in describe(torch.device("cpu"))
    finally:
        torch.set_num_threads(before)


KEPT = """
import ctypes, sys
from sdetr.training.device import choose_device

class Mallinfo2(ctypes.Structure):
    # the ninth, fordblks, is the bytes that are free but kept
    _fields_ = [(f"size{number}", ctypes.c_size_t) for number in range(1, 11)]

if "choose" in sys.argv:
    choose_device("cpu")
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.mallinfo2.restype = ctypes.c_void_p, Mallinfo2
for batch in [libc.malloc(ctypes.c_size_t(16 << 20)) for _ in range(8)]:
    libc.free(ctypes.c_void_p(batch))
print(libc.mallinfo2().size9 >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told to keep memory")
def test_memory_of_freed_batches_stays_for_the_next_ones() -> None:
    def kept_mib(*words: str, **said: str) -> int:
        own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        command = [sys.executable, "-c", KEPT, *words]
        return int(subprocess.run(command, env=own | said, check=True, capture_output=True, text=True).stdout)

    assert kept_mib("choose") >= 8 * 16
    assert kept_mib() < 16
    # what the environment says goes first
    assert kept_mib("choose", MALLOC_MMAP_THRESHOLD_="131072") < 16


def test_a_cpu_rounds_a_frozen_backbone_only_if_told_to_and_able_to(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    for said, kinds in (("nothing", set()), ("frozen", {"cuda"}), ("all", {"cuda"})):
        assert rounds_frozen(said, cpu) == rounds_frozen(said, cuda) == kinds
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert rounds_frozen("frozen_anywhere", cpu) == rounds_frozen("frozen_anywhere", cuda) == {"cpu", "cuda"}
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert rounds_frozen("frozen_anywhere", cuda) == {"cpu", "cuda"}
    with pytest.raises(ValueError, match=r"frozen_anywhere, but this CPU has neither .* say frozen"):
        rounds_frozen("frozen_anywhere", cpu)
