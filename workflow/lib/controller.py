"""Who runs this folder's workflow: one Snakemake, and jobs that may outlive it."""

import getpass
import json
import os
import shutil
import socket
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from snakemake.exceptions import WorkflowError

from sdetr.files import write_json

FILE = Path(".snakemake/controller.json")
LOCKS = Path(".snakemake/locks")
COMMENT = "rule_"
"""How comments of jobs begin that Snakemake submits."""


@dataclass(frozen=True)
class Controller:
    """A process; its start tells it from a later one of the same number."""

    host: str
    pid: int
    started: str
    executor: str = field(default="", compare=False)

    @classmethod
    def of(cls, pid: int, executor: str = "") -> "Controller":
        return cls(socket.gethostname(), pid, _started(pid), executor)

    @property
    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Of a process of this machine. A zombie, whom nobody collects, is dead."""
        try:
            zombie = psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
            return not zombie and _started(self.pid) == self.started
        except psutil.NoSuchProcess:
            return False


def _started(pid: int) -> str:
    """Linux counts from the start of the machine, which no change of its clock moves."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(") ", 1)[1].split()[19]
    except OSError:
        return str(psutil.Process(pid).create_time())


def announce(pid: int, executor: str = "") -> None:
    """Says that this process runs the workflow from now on."""
    write_json(FILE, asdict(Controller.of(pid, executor)))


def begin(executor: str) -> None:
    """The first act of a Snakemake that runs jobs. Raises WorkflowError where it would run some twice."""
    if executor == "slurm" and (jobs := cluster_jobs(Path.cwd())):
        raise WorkflowError(
            f"SLURM jobs of this folder are alive: {' '.join(jobs)}; their results would be made twice. "
            "`uv run sdetr resume --profile slurm …` waits for them, and goes on"
        )
    announce(os.getpid(), executor)


def last() -> Controller | None:
    """Whoever said so last, dead or alive."""
    return Controller(**json.loads(FILE.read_text())) if FILE.exists() else None


def cluster_jobs(folder: Path) -> list[str]:
    """Ids of the SLURM jobs, waiting or running, that Snakemake submitted from here; none without SLURM.

    Not this process's own, which a controller may well have.

    Raises OSError if SLURM does not answer.
    """
    if not shutil.which("squeue"):
        return []
    asked = ["squeue", "-h", "-u", getpass.getuser(), "-o", "%A %k %Z"]
    answer = subprocess.run(asked, capture_output=True, text=True)
    if answer.returncode:
        raise OSError(f"{' '.join(asked)}: {answer.stderr.strip()}")
    lines = (line.split(" ", 2) for line in answer.stdout.splitlines())
    ours = {
        number for number, comment, where in lines if where == str(folder) and comment.startswith(COMMENT)
    }
    return sorted(ours - {os.environ.get("SLURM_JOB_ID", "")}, key=int)
