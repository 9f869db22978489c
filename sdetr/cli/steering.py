"""`sdetr resume`, `why`, `doctor`: what knows Snakemake and SLURM lives in workflow/; these verbs call it."""

import os
import sys
from pathlib import Path

from sdetr.cli.verbs import Verbs

RESUME = "start again after Snakemake was killed, without losing or repeating the jobs that outlived it"
WHY = "why a run would be made again, in one sentence, and what that would cost"
DOCTOR = "`sdetr doctor cluster`: whether the profile fits the cluster, by a job of a minute"


def add(verbs: Verbs) -> None:
    verbs.add_parser("resume", help=RESUME)
    verbs.add_parser("why", help=WHY)
    verbs.add_parser("doctor", help=DOCTOR)


def pass_on(words: list[str]) -> None:
    """Calls a verb whose words are its own to read, Snakemake's among them; returns if it is another verb."""
    if not words or words[0] not in ("resume", "why", "doctor"):
        return
    verb, *rest = words
    if not Path("workflow/lib", f"{verb}.py").exists():
        sys.exit(f"sdetr {verb}: no workflow/lib/{verb}.py here; call it in the root of the clone")
    os.execv(sys.executable, [sys.executable, "-m", f"workflow.lib.{verb}", *rest])
