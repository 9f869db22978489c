"""Several processes for one training: torchrun on this machine, or on each of several by SLURM's srun."""

import os
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

TORCHRUN = "sdetr.training.torchrun"
PATIENCE_S = 660.0
"""Of torchrun when it is told to end: a step, a save, and the time that SLURM takes to requeue."""
FIRST_PORT, PORTS = 20000, 10000


@dataclass(frozen=True)
class Launch:
    """So many processes, as many on each node; those on one have its `threads` processor cores together."""

    ranks: int = 1
    nodes: int = 1
    threads: int = 1

    def become(self, words: Sequence[str]) -> None:
        """Becomes the processes that call `sdetr <words>`; returns in each of them, and where one is enough.

        Raises ValueError if they cannot be spread evenly, or several nodes are asked for without SLURM.
        """
        if "RANK" in os.environ or self.ranks < 2:
            return
        if self.ranks % self.nodes:
            raise ValueError(f"--ranks {self.ranks} cannot be spread evenly over --nodes {self.nodes}")
        _exec([*self._on_every_node(), *self._torchrun(), "-m", "sdetr", *words])

    def _on_every_node(self) -> list[str]:
        if self.nodes == 1:
            return []
        if not (shutil.which("srun") and "SLURM_JOB_ID" in os.environ):
            raise ValueError(
                f"--nodes {self.nodes}: nodes are given by SLURM, and this is no job of it; "
                "leave `nodes` out of the scale's resources to run on one machine"
            )
        # A step inherits neither cores nor the number of tasks from the job that it is part of.
        tasks = [f"--nodes={self.nodes}", f"--ntasks={self.nodes}", "--ntasks-per-node=1"]
        return ["srun", "--kill-on-bad-exit=1", *tasks, f"--cpus-per-task={self.threads}"]

    def _torchrun(self) -> list[str]:
        words = [sys.executable, "-m", TORCHRUN, f"--shutdown-timeout={PATIENCE_S:.0f}"]
        words += [f"--nproc-per-node={self.ranks // self.nodes}"]
        if self.nodes == 1:
            return [*words, "--standalone"]
        # Whichever process comes to the meeting point first is rank 0; this machine is one of the nodes.
        job = os.environ["SLURM_JOB_ID"]
        meet = f"{socket.gethostname()}:{FIRST_PORT + int(job) % PORTS}"
        return [
            *words,
            f"--nnodes={self.nodes}",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={meet}",
            f"--rdzv-id={job}",
        ]


def _exec(words: list[str]) -> NoReturn:
    os.execvp(words[0], words)
