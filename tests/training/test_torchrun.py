"""Processes that share a training end with the exit code of what went wrong in it."""

import signal

import pytest
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from sdetr.training import torchrun


@pytest.mark.parametrize(
    "codes, told, how",
    [
        ([3, 3], 3, "with code 3"),
        ([2, 4], 4, "with code 2"),  # one waited for the other, and was found first
        ([4, 143], 4, "with code 4"),
        ([143, 143], 143, "with code 143"),
        ([-9, 2], 1, "by SIGKILL"),
    ],
)
def test_fault_39_and_fault_41_of_a_rank_are_told_by_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    codes: list[int],
    told: int,
    how: str,
) -> None:
    def fails(words: list[str]) -> None:
        failures = {rank: ProcessFailure(rank, 100 + rank, code, "") for rank, code in enumerate(codes)}
        raise ChildFailedError("sdetr", failures)

    before = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setattr(torchrun, "main", fails)
    try:
        assert torchrun.run(["words"]) == told
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert capsys.readouterr().err == f"rank 0 ended {how}; what it said is above\n"


def test_whoever_asks_it_to_end_is_answered_by_the_code_of_the_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended(words: list[str]) -> None:
        raise SignalException("asked to end", signal.SIGTERM)

    before = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setattr(torchrun, "main", ended)
    try:
        assert torchrun.run([]) == 143
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_fault_44_a_cluster_that_asks_for_time_does_not_end_the_process_that_started_the_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: over several nodes a time limit ended torchrun, and with it ranks about to save."""
    before = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setattr(torchrun, "main", lambda words: signal.raise_signal(signal.SIGUSR1))
    try:
        assert torchrun.run([]) == 0
    finally:
        signal.signal(signal.SIGUSR1, before)
