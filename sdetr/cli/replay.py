"""`sdetr replay`: a second look at the step that stopped a run."""

import argparse
from pathlib import Path

from sdetr.cli.verbs import Verbs

REPLAY = (
    "take a step that was not finite again, on the CPU, from the capsule that its run left; "
    "exit code 3 if it is not finite here either"
)


def add(verbs: Verbs) -> None:
    verb = verbs.add_parser("replay", help="take a step that was not finite again", description=REPLAY)
    verb.add_argument("capsule", type=Path, metavar="FILE", help="data/<scale>/state/…/capsule.pt")
    verb.set_defaults(run=_replay)


def _replay(a: argparse.Namespace) -> None:
    from sdetr.training.replay import replay

    print(replay(a.capsule))
