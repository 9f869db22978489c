"""A controller that died: who lives is found out, and nothing is started a second time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from snakemake.exceptions import WorkflowError

from sdetr.training.launch import TORCHRUN
from workflow.lib import controller, resume
from workflow.lib.controller import FILE, LOCKS, Controller, announce, begin, cluster_jobs, last

Tool = Callable[[str, str], Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow's folder, on a machine without SLURM."""
    here = tmp_path / "clone"
    (here / LOCKS).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(controller.shutil, "which", lambda name: (tmp_path / "bin" / name).exists() or None)
    return here


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Puts a script in the place of one of SLURM's; returns the file in which it notes what it was told."""

    def make(name: str, script: str) -> Path:
        file, told = tmp_path / "bin" / name, tmp_path / f"{name}.told"
        file.write_text(f'#!/bin/sh\necho "$@" >> {told}\n{script}\n')
        file.chmod(0o755)
        return told

    return make


def test_without_slurm_there_are_no_jobs_of_a_cluster(folder: Path) -> None:
    assert cluster_jobs(folder) == []


def test_jobs_of_this_folder_are_found_once_each_whatever_blanks_are_in_its_name(
    folder: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "rule_finetune_wildcards_demo"
    lines = [f"12 {rule} {folder}", f"9 {rule} {folder}", f"12 {rule} {folder}", f"7 {rule} {folder} too"]
    others = [f"8 {rule} /elsewhere", f"3 (null) {folder}", f"5 {rule} {folder}"]
    tool("squeue", f"printf '%s\\n' {' '.join(map(repr, [*lines, *others]))}")
    monkeypatch.setenv("SLURM_JOB_ID", "5")  # of the controller itself
    assert cluster_jobs(folder) == ["9", "12"]
    assert cluster_jobs(Path(f"{folder} too")) == ["7"]


def test_a_cluster_that_does_not_answer_is_no_empty_cluster(folder: Path, tool: Tool) -> None:
    tool("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(OSError, match=r"squeue .*: slurm_load_jobs error"):
        cluster_jobs(folder)


def test_a_controller_does_not_begin_while_jobs_of_its_folder_live(folder: Path, tool: Tool) -> None:
    tool("squeue", f"echo '12 rule_finetune {folder}'")
    with pytest.raises(WorkflowError, match=r"SLURM jobs of this folder are alive: 12; .*sdetr resume"):
        begin("slurm")
    assert last() is None
    begin("local")
    assert last() == Controller.of(os.getpid())


@pytest.mark.parametrize("executor, matters", [("slurm", True), ("local", False), ("", True)])
def test_a_cluster_that_does_not_answer_stops_a_resume_only_where_jobs_may_be_in_it(
    folder: Path, tool: Tool, executor: str, matters: bool
) -> None:
    """Regression: with SLURM's tools and no cluster, nothing could be resumed on a machine."""
    tool("squeue", "echo 'fatal: Could not establish a configuration source' >&2; exit 1")
    announce(os.getpid(), executor)
    if matters:
        with pytest.raises(OSError, match="configuration source"):
            resume.end_cluster_jobs(cancel=False)
    else:
        resume.end_cluster_jobs(cancel=False)


def said(folder: Path, **changes: object) -> None:
    announce(os.getpid())
    FILE.write_text(json.dumps(json.loads(FILE.read_text()) | changes))


def test_who_lives_is_not_resumed(folder: Path) -> None:
    said(folder)
    with pytest.raises(
        ValueError, match=f"process {os.getpid()} runs this workflow; there is nothing to resume"
    ):
        resume.refuse_if_alive()


def test_another_process_of_the_same_number_is_not_the_controller(folder: Path) -> None:
    said(folder, started="1")
    resume.refuse_if_alive()


def test_a_zombie_is_dead(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        announce(process.pid)
        with pytest.raises(ValueError, match="runs this workflow"):
            resume.refuse_if_alive()
        process.kill()
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        resume.refuse_if_alive()


def test_a_controller_of_another_machine_is_resumed_there_unless_it_ended_well(folder: Path) -> None:
    said(folder, host="login2")
    resume.refuse_if_alive()
    (folder / LOCKS / "0.input.lock").touch()
    with pytest.raises(ValueError, match="on login2 runs this workflow, or was killed; resume there"):
        resume.refuse_if_alive()


@pytest.mark.parametrize("cancel, told", [(False, "--state=PENDING 9 12"), (True, "9 12")])
def test_waiting_jobs_are_taken_back_and_running_ones_awaited_or_cancelled_too(
    folder: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, cancel: bool, told: str
) -> None:
    monkeypatch.setattr(resume, "ASK_EVERY_S", 0.01)
    asked = tool(
        "squeue",
        f"[ $(wc -l < {folder}/../squeue.told) -gt 3 ]"
        f" || printf '%s\\n' '9 rule_a {folder}' '12 rule_b {folder}'",
    )
    cancelled = tool("scancel", "")
    resume.end_cluster_jobs(cancel)
    assert cancelled.read_text().splitlines() == [told]
    assert len(asked.read_text().splitlines()) == 4


def test_jobs_of_this_folder_are_asked_to_end_and_nobody_else(folder: Path, tmp_path: Path) -> None:
    stage, notes = (
        tmp_path / "bin/sdetr",
        "import signal, time\nsignal.signal(2, signal.default_int_handler)\n",
    )
    notes += "print('here', flush=True)\ntime.sleep(600)\n"
    for file in (stage, folder / "sdetr.py"):
        file.write_text(notes)
    calls = [
        (folder, f"{stage} train --settings a.yaml"),
        (folder, f"{stage} propose --settings a.yaml"),
        (folder, "-u -m sdetr train --settings=a.yaml"),  # one of those that share a training
        (tmp_path, f"{stage} train --settings a.yaml"),
        (folder, f"{stage} predict a.jpg"),
        (folder, f"-u sdetr.py {TORCHRUN} -m sdetr train --settings=a.yaml"),  # it ends with those
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, *words.split()],
            cwd=where,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for where, words in calls
    ]
    try:
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "here\n"
        resume.end_local_jobs()
        assert [process.poll() is None for process in processes] == [False, False, False, True, True, True]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_two_resumes_do_not_wait_side_by_side(folder: Path) -> None:
    with resume.alone(), pytest.raises(ValueError, match="another resume waits"), resume.alone():
        pass


def test_somebody_who_resumed_in_the_meantime_is_not_disturbed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resume, "end_cluster_jobs", lambda cancel: said(folder))
    monkeypatch.setattr(resume, "end_local_jobs", lambda: pytest.fail("it ended a living controller's jobs"))
    with pytest.raises(SystemExit) as ended:
        resume.main([])
    assert ended.value.code == 2 and "there is nothing to resume" in capsys.readouterr().err
