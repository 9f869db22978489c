"""What a process took of its machine."""

import time

import torch

from sdetr.training.usage import Usage


def test_steps_and_processor_time_count_from_the_last_line_and_pauses_do_not(monkeypatch):
    clock = {"wall": 0.0, "cpu": 0.0}
    monkeypatch.setattr(time, "perf_counter", lambda: clock["wall"])
    monkeypatch.setattr(time, "process_time", lambda: clock["cpu"])
    usage = Usage(torch.device("cpu"), step=10)
    clock.update(wall=2.0, cpu=1.0)
    first = usage.since(20)
    assert (first["system/steps_per_second"], first["system/cpu_percent"]) == (5.0, 50.0)
    clock.update(wall=102.0, cpu=1.0)
    usage.restart(20)
    clock.update(wall=103.0, cpu=2.0)
    assert usage.since(21)["system/steps_per_second"] == 1.0
    assert 1 < first["system/memory_megabytes"] < 1e6
