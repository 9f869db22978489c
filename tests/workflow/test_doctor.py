"""What `sdetr doctor cluster` makes of what SLURM and a job say; test_slurm.py asks a real SLURM."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdetr.config.job import Job
from sdetr.config.scale import ResourceSettings
from workflow.lib import doctor, doctor_job
from workflow.lib.doctor import Site, examined
from workflow.lib.doctor_job import Finding, judged

SEEN = {"host": "n7", "gpus": [], "visible": "unset", "shared_mb": 64000}


@pytest.mark.parametrize(
    "ahead, level, said",
    [
        (0.5, "ok", "its clock agrees with this machine's"),
        (-20.0, "ok", "its clock agrees"),  # a file comes to sight some seconds after it was written
        (3.0, "warning", "the clock of n7 is 3 s ahead of this machine's"),
        (-45.0, "warning", "the clock of n7 is 45 s behind this machine's"),
        (3600.0, "wrong", "the clock of n7 is 3600 s ahead of this machine's"),
        (-3600.0, "wrong", "the clock of n7 is 3600 s behind this machine's"),
    ],
)
def test_fault_51_a_node_whose_clock_is_off_is_named_and_by_how_much(
    ahead: float, level: str, said: str
) -> None:
    found = list(judged(SEEN | {"time": 1e9 + ahead}, 1e9, gpus=0))[1]
    assert found.level == level and found.text.startswith(said)


def test_fault_51_a_file_that_a_slow_file_system_shows_late_is_awaited_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_job, "SEEN_S", 2.0)
    late, never = tmp_path / "late", tmp_path / "never"
    with subprocess.Popen([sys.executable, "-c", ""], text=True) as job:
        job.wait()
        threading.Timer(0.5, late.touch).start()
        assert doctor_job._noticed(late, job, wait_s=60) == pytest.approx(time.time(), abs=5)
        began = time.monotonic()
        assert doctor_job._noticed(never, job, wait_s=60) is None
        assert time.monotonic() - began < 10


PROFILE = """
default-resources:{default}
config: {{scale: demo}}
set-resources:
  pretrain: {{slurm_partition: gpu, slurm_extra: "'--signal=USR1@60'"}}
"""


@pytest.mark.parametrize(
    "default, partition",
    [
        (" [slurm_partition=main, slurm_account=lab, mem_mb=2000]", "main"),
        (" {slurm_partition: main, slurm_account: lab, mem_mb: 2000}", "main"),
        (" [slurm_account=lab]", ""),
    ],
)
def test_a_profile_sends_jobs_to_the_partitions_of_their_rules(
    tmp_path: Path, default: str, partition: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(PROFILE.format(default=default))
    assert Site.of(file) == Site(partition, "lab", "demo", {"pretrain": "gpu"})
    assert Site.of(file, "other") == Site("other", "lab", "demo", {})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two partitions, one of which has nodes of two kinds; the partitions that get a job of the doctor's."""
    lines = ["main*|up|7-00:00:00|(null)", "gpu|up|7-00:00:00|gpu:a100:8", "gpu|up|7-00:00:00|(null)"]
    asked: list[str] = []

    def job(partition: str, account: str, gpus: int, wait_s: int) -> Iterator[Finding]:
        asked.append(partition)
        yield Finding("ok", "a job ran")

    monkeypatch.setattr(doctor, "told", lambda *words: "\n".join(lines))
    monkeypatch.setattr(doctor, "run_job", job)
    monkeypatch.setattr(doctor.shutil, "which", lambda tool: f"/usr/bin/{tool}")
    return asked


def test_a_partition_with_nodes_of_several_kinds_has_the_gpus_of_any(cluster: list[str]) -> None:
    """Regression: the last line of sinfo decided, and the partition was said to have none."""
    said = list(examined(Site("gpu", "", "paper"), 1))
    assert [finding.level for finding in said] == ["ok", "ok", "ok"] and cluster == ["gpu"]


def test_every_partition_that_jobs_go_to_is_looked_at(cluster: list[str]) -> None:
    said = list(examined(Site("main", "", "demo", {"pretrain": "gpu"}), 1))
    assert [finding.level for finding in said] == ["ok"] * 6 and cluster == ["gpu", "main"]


@pytest.mark.parametrize(
    "asked", ["{propose: {slurm_partition: cpu}}", "['propose:slurm_partition=cpu', 'propose:mem_mb=1']"]
)
def test_a_partition_of_a_rule_that_is_not_called_like_its_stage_is_looked_at(
    tmp_path: Path, asked: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"default-resources: [slurm_partition=main]\nset-resources: {asked}\n")
    job = Job("proposals", "proposals/a/b", "s.yaml", {}, {}, {}, ResourceSettings())
    assert set(Site.of(file).sorted([job])) == {"cpu", "main"}


def test_slurms_default_partition_is_meant_where_the_profile_names_none(cluster: list[str]) -> None:
    said = list(examined(Site("", "", "demo"), 1))
    assert said[0].text == "SLURM's default partition is up" and cluster == [""]


def test_tools_without_a_cluster_are_told_in_a_line(
    cluster: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*words: str) -> str:
        raise OSError("sinfo -h: sinfo: error: Unknown host\nsinfo: fatal: no configuration")

    monkeypatch.setattr(doctor, "told", silent)
    (said,) = examined(Site("main", "", "demo"), 1)
    assert said.level == "wrong" and len(said.text.splitlines()) == 1
    assert said.text.startswith("no cluster answers here: log in to a node that submits jobs (sinfo -h: ")
    assert cluster == []


def test_a_partition_without_gpus_or_without_existence_gets_no_job(cluster: list[str]) -> None:
    without = list(examined(Site("main", "", "paper"), 1))
    unknown = list(examined(Site("mian", "", "paper"), 1))
    assert "has no GPU that SLURM knows of, but " in without[-1].text
    assert [found.text for found in unknown] == [
        "slurm_partition=mian: there is none of that name; did you mean main? There are: gpu, main"
    ]
    assert cluster == []
