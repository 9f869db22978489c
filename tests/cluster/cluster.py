"""A real SLURM on this machine, for as long as a test needs it: two virtual nodes, each with fake GPUs."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
SIZES = {"NODES": "2", "CPUS": "2", "GPUS": "2", "ACCT": "0", "GRACE": "20", "MINJOBAGE": "300"}
"""No accounting: it would need a database, and the profile asks squeue."""


@dataclass(frozen=True)
class SlurmJob:
    """A line of squeue."""

    number: str
    state: str
    reason: str
    comment: str
    partition: str
    node: str
    elapsed_s: int


@dataclass(frozen=True)
class Cluster:
    """What its tools say and do; `environment` finds it."""

    environment: Mapping[str, str]

    def told(self, *words: str) -> str:
        done = self._done(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def tried(self, *words: str) -> bool:
        """Whether it could be done: a job may have begun or ended since it was listed."""
        return self._done(*words).returncode == 0

    def _done(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(words, env=dict(self.environment), capture_output=True, text=True, timeout=60)

    def jobs(self) -> list[SlurmJob]:
        """Waiting and running ones."""
        lines = self.told("squeue", "-h", "-o", "%A|%T|%r|%k|%P|%N|%M").splitlines()
        return [SlurmJob(*parts[:-1], _seconds(parts[-1])) for line in lines if (parts := line.split("|"))]

    def hurry(self) -> None:
        """A job that was requeued would wait two minutes, and with the short time that a test gave it."""
        for job in self.jobs():
            if job.state == "PENDING" and job.reason == "BeginTime":
                self.tried("scontrol", "update", f"JobId={job.number}", "TimeLimit=60", "StartTime=now")

    def let_time_end(self, job: SlurmJob) -> bool:
        """Its limit is a minute that began at most 20 s ago: SLURM asks it to end, as before any limit."""
        minutes = (job.elapsed_s + 40) // 60 + 1
        return self.tried("scontrol", "update", f"JobId={job.number}", f"TimeLimit={minutes}")

    def cancel(self, job: SlurmJob) -> bool:
        return self.tried("scancel", job.number)

    def preempt(self, job: SlurmJob) -> bool:
        """Sends a job of a partition that goes first to its node, for all processors that it can have."""
        first = [one for one in self.jobs() if one.node == job.node and one.partition == "main"]
        free = int(SIZES["CPUS"]) - len(first)
        words = ["--partition=main", "--nodes=1", f"--nodelist={job.node}", f"--ntasks={free}"]
        return self.tried("sbatch", *words, "--mem=100", "--time=1", "--output=/dev/null", "--wrap=sleep 2")


def _seconds(clock: str) -> int:
    """`1-02:03:04`, `03:04` → seconds."""
    days, _, rest = clock.rpartition("-")
    parts = [int(part) for part in re.findall(r"\d+", rest)]
    return int(days or 0) * 86400 + sum(part * 60**n for n, part in enumerate(reversed(parts)))


def missing() -> str:
    """Why there can be no cluster here; empty where there can."""
    if os.getuid():
        return "starting SLURM takes root"
    if not shutil.which("slurmctld", path=PATH):
        return "SLURM is not installed; .ci/run installs it"
    try:
        address = socket.gethostbyname(socket.gethostname())
    except OSError as error:
        address = str(error)
    if not address.startswith("127."):
        return (
            f"SLURM listens on the address of this machine's name, {address}: /etc/hosts has to say 127.0.0.1"
        )
    return ""


def _free_ports() -> int:
    """The first of twenty in a row, of which nobody has any."""
    for first in range(16817, 30000, 20):
        with ExitStack() as stack, suppress(OSError):
            for port in range(first, first + 20):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise OSError("no twenty ports in a row are free")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Its daemons live in `folder`, whose path has to be short: sockets are in it."""
    sizes = {f"SLURM1_{name}": value for name, value in SIZES.items()}
    environment = os.environ | sizes | {"SLURM1_DIR": str(folder), "SLURM1_PORT": str(_free_ports())}
    found = {"SLURM_CONF": str(folder / "etc/slurm.conf"), "PATH": PATH}
    try:
        up = subprocess.run([HERE / "slurm-up"], env=environment, capture_output=True, text=True, timeout=300)
        assert up.returncode == 0, up.stdout + up.stderr
        yield Cluster({**os.environ, **found})
    finally:
        subprocess.run([HERE / "slurm-down"], env=environment, check=True)
