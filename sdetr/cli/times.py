"""`sdetr times`: where the time went."""

import argparse
import os
from pathlib import Path

from sdetr.cli.verbs import PARAMS, Verbs

TIMES = "where the time of a scale went, by stage, and the share of it that was no training"


def add(verbs: Verbs) -> None:
    times = verbs.add_parser("times", help=TIMES, description=TIMES)
    times.add_argument("--scale", default="demo")
    times.add_argument("--tables", default="first", help="first (what `make demo` makes), all, or names: a,b")
    times.add_argument("--cores", type=int, default=os.cpu_count(), help="that Snakemake was given")
    times.set_defaults(run=_times)


def _times(a: argparse.Namespace) -> None:
    from sdetr.config.compile import compile_plan
    from sdetr.report.times import times

    plan = compile_plan(PARAMS, a.scale, a.tables)
    print(
        times([Path(job.outputs["record"]) for job in plan.jobs.values() if "record" in job.outputs], a.cores)
    )
