"""A table on a real SLURM, through all that clusters do: nothing is lost, nothing is made twice."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, SlurmJob, cluster, missing
from tests.workflow.conftest import Project
from tests.workflow.test_kills import results

pytestmark = [pytest.mark.pipeline, pytest.mark.skipif(bool(missing()), reason=missing())]

TABLE = "siamese-voc"
LONGEST_S = 900
SCRATCH = "finetune/siamese-voc-vanilla-50e/detr/swav_r50/seed0"
SIAMESE = "finetune/siamese-voc-vanilla-50e/detr/siamese~siamese-imagenet-60e/seed0"
PRETRAINING = "pretrain/siamese-imagenet-60e/siamese/detr/seed0"
SLURM = ["--profile", "slurm", "--jobs", "4", "--config", "scale=smoke", "--", TABLE]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("slurm")) as found:
        yield found


@pytest.fixture(scope="module")
def small(new_project: Callable[..., Project], slurm: Cluster) -> Project:
    """One column, two rows, trainings that take a while; nothing has run."""
    project = new_project(TABLE)
    scale = "params/scales/smoke.yaml"
    rows = "{seeds: [0], columns: [detr-50e], rows: [scratch, siamese]}"
    project.edit(scale, "{seeds: [0, 1], rows: [untrained, scratch, siamese]}", rows)
    project.edit(scale, "pretrain:\n  steps_per_epoch: 0.1", "pretrain:\n  steps_per_epoch: 50")
    project.edit(scale, "detection:\n  steps_per_epoch: 0.1", "detection:\n  steps_per_epoch: 12")
    # Only whoever is asked to end saves, so only who was asked in time continues.
    text = (project.root / scale).read_text().replace("save_every_s: 0.0", "save_every_s: 1.0e+9")
    text += "resources:\n  pretrain: {gpu: 1}\n  finetune: {gpu: 1}\n"
    (project.root / scale).write_text(text)
    environment = project.environment | {"SLURM_CONF": slurm.environment["SLURM_CONF"]}
    return Project(project.root, environment | {"PATH": f"{environment['PATH']}:/usr/sbin"})


@dataclass
class Trouble:
    """Something that happens to a run, once, when it has taken so many more steps since it began."""

    run: str
    steps: int
    act: Callable[[SlurmJob], bool]
    came_at: int | None = None

    @property
    def done(self) -> bool:
        return self.came_at is not None


@dataclass
class Story:
    """A pipeline on the cluster, and what becomes of it."""

    project: Project
    slurm: Cluster
    troubles: list[Trouble]
    kill_after: Trouble
    said: list[str] = field(default_factory=list)

    def run(self) -> None:
        """To its end; the controller is killed after a certain trouble, and resumed."""
        code = self._follow("snakemake", *SLURM)
        if code == -signal.SIGKILL:
            code = self._follow("sdetr", "resume", *SLURM)
        assert code == 0, self.said[-1][-6000:]
        left = [trouble.run for trouble in self.troubles if not trouble.done]
        assert not left, f"too fast for a trouble: {left}"

    def _follow(self, program: str, *words: str) -> int:
        log, until = self.project.root / f"{program}.log", time.monotonic() + LONGEST_S
        command = [str(Path(sys.executable).with_name(program)), *words]
        with log.open("w") as file:
            process = subprocess.Popen(
                command, cwd=self.project.root, env=self.project.environment, stdout=file, stderr=file
            )
            try:
                while process.poll() is None:
                    assert time.monotonic() < until, log.read_text()[-6000:]
                    self.slurm.hurry()
                    if self._make_trouble() is self.kill_after:
                        process.kill()
                    time.sleep(0.5)
            finally:
                process.kill()
                process.wait()
        self.said.append(log.read_text())
        return process.returncode

    def _make_trouble(self) -> Trouble | None:
        """The first of each run that has not been yet, where it is due."""
        running = {job.comment: job for job in self.slurm.jobs() if job.state == "RUNNING"}
        waits = {trouble.run: trouble for trouble in reversed(self.troubles) if not trouble.done}
        for run, trouble in waits.items():
            rule, name = f"rule_{run.split('/')[0]}_", run.replace("/", "_")
            jobs = (job for comment, job in running.items() if comment.startswith(rule) and name in comment)
            job = next(jobs, None)
            began, steps = self._steps(run)
            if job and steps - began >= trouble.steps and trouble.act(job):
                trouble.came_at = steps
                return trouble
        return None

    def _steps(self, run: str) -> tuple[int, int]:
        """That it began with at its last start, and has now; none before it has begun to train."""
        state = self.project.root / "data/smoke/state" / run
        if not (state / "metrics.jsonl").exists() or not (state / "run.json").exists():
            return 0, -1
        starts = json.loads((state / "run.json").read_text())["starts"]
        lines = [
            json.loads(line)
            for line in (state / "metrics.jsonl").read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        known = sum(trouble.done for trouble in self.troubles if trouble.run == run)
        began = starts[-1]["step"]
        return began, lines[-1]["step"] if lines and len(starts) == known + 1 else -1


@pytest.fixture(scope="module")
def story(small: Project, slurm: Cluster) -> Story:
    """One cancelled, one preempted, one that meets its time limit twice, and a controller that is killed."""
    limits = [Trouble(PRETRAINING, steps, slurm.let_time_end) for steps in (20, 20)]
    troubles = [*limits, Trouble(SCRATCH, 20, slurm.preempt), Trouble(SIAMESE, 20, slurm.cancel)]
    small.edit(
        "workflow/profiles/slurm/config.yaml", "  finetune: {", "  finetune: {slurm_partition: preempt, "
    )
    told = Story(small, slurm, troubles, kill_after=limits[1])
    told.run()
    return told


def starts(project: Project, run: str) -> list[int]:
    record = json.loads((project.root / "data/smoke" / run / "run.json").read_text())
    return [start["step"] for start in record["starts"]]


def submissions(project: Project) -> Counter[str]:
    """Rule and wildcards → SLURM jobs that Snakemake submitted for them."""
    logs = (project.root / "logs/slurm").rglob("*.log")
    return Counter(str(log.parent.relative_to(project.root / "logs/slurm")) for log in logs)


def test_fault_44_each_attempt_continues_and_has_one_record(story: Story) -> None:
    pretraining, scratch, siamese = (starts(story.project, run) for run in (PRETRAINING, SCRATCH, SIAMESE))
    assert [len(pretraining), len(scratch), len(siamese)] == [3, 2, 2]
    for run, steps in ((PRETRAINING, pretraining), (SCRATCH, scratch), (SIAMESE, siamese)):
        came_at = [trouble.came_at for trouble in story.troubles if trouble.run == run]
        assert steps[0] == 0 and all(step >= lost for step, lost in zip(steps[1:], came_at, strict=True)), run


def test_no_job_is_submitted_twice_but_the_one_that_was_cancelled(story: Story) -> None:
    twice = {name for name, times in submissions(story.project).items() if times > 1}
    assert len(twice) == 1 and "siamese~siamese-imagenet-60e" in twice.pop()
    assert max(submissions(story.project).values()) == 2


def test_the_controller_that_was_killed_is_resumed_after_its_jobs(story: Story) -> None:
    assert "waiting for SLURM jobs" in story.said[1]
    assert "Nothing to be done" in story.project.snakemake("-n", *SLURM)


def test_the_table_is_that_of_an_undisturbed_pipeline_on_this_machine(
    story: Story, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("undisturbed") / "project"
    shutil.copytree(
        story.project.root,
        root,
        symlinks=True,
        ignore=shutil.ignore_patterns("data", "reports", ".snakemake", "logs"),
    )
    (root / "data").mkdir()
    local = Project(root, story.project.environment)
    local.snakemake("--profile", "smoke", TABLE)
    assert results(root) == results(story.project.root)


@pytest.fixture(scope="module")
def shared(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Project]:
    """The fine-tuning from scratch, made anew by two processes on so many nodes."""

    def make(nodes: int) -> Project:
        root = tmp_path_factory.mktemp(f"nodes{nodes}") / "project"
        shutil.copytree(story.project.root, root, symlinks=True)
        project = Project(root, story.project.environment)
        both = f"finetune: {{gpu: 2, nodes: {nodes}, mem_mb: 4000}}"
        project.edit("params/scales/smoke.yaml", "finetune: {gpu: 1}", both)
        shutil.rmtree(root / "data/smoke" / SCRATCH)
        weights = f"data/smoke/{SCRATCH}/weights.safetensors"
        project.snakemake(*SLURM[:-2], "--", weights)
        return project

    return make


def test_two_processes_on_two_nodes_end_with_the_weights_of_two_on_one(
    shared: Callable[[int], Project], slurm: Cluster
) -> None:
    files = []
    for nodes in (1, 2):
        root = shared(nodes).root
        record = json.loads((root / "data/smoke" / SCRATCH / "run.json").read_text())
        assert [start["ranks"] for start in record["starts"]] == [2]
        files.append((root / "data/smoke" / SCRATCH / "weights.safetensors").read_bytes())
    assert files[0] == files[1]


def doctor(project: Project, *words: str, fails: bool) -> list[str]:
    said = project.run("sdetr", "doctor", "cluster", *words, fails=fails).splitlines()
    return [re.sub(r"  +", " ", line) for line in said]


def test_a_doctor_finds_that_a_cluster_can_run_a_scale_without_gpus(small: Project) -> None:
    profile = small.root / "site"
    profile.mkdir()
    text = (small.root / "workflow/profiles/slurm/config.yaml").read_text()
    (profile / "config.yaml").write_text(text.replace("scale: paper", "scale: demo"))
    said = doctor(small, "--profile", "site", fails=False)
    assert said[0] == "ok partition main is up" and "30 minutes, 7-00:00:00 are allowed" in said[1]
    assert re.fullmatch(r"ok a job ran on n[12]; its file is seen in this folder", said[2])
    assert said[3] == "ok its clock agrees with this machine's" and "/dev/shm has" in said[4]


def test_a_doctor_tells_a_gpu_that_torch_does_not_see(small: Project) -> None:
    said = doctor(small, fails=True)
    assert said[-1] == "wrong torch sees 0 of 1 GPUs there; CUDA_VISIBLE_DEVICES=0"


def test_a_doctor_names_the_partitions_there_are(small: Project) -> None:
    said = doctor(small, "--partition", "mian", fails=True)
    there = "There are: gpu, main, preempt"
    assert said == [f"wrong slurm_partition=mian: there is none of that name; did you mean main? {there}"]
