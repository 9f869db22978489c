"""The command line: one verb per stage, as the workflow's rules call them, and those that people type.

Each verb imports its room when it is called: planning and evaluating never pay for torch.
"""

import argparse
import logging
import os
import sys

from sdetr.cli import (
    asking,
    data,
    exchange,
    fetch,
    mirror,
    models,
    overfit,
    planning,
    proposals,
    replay,
    stages,
    steering,
    study,
    times,
    verify,
)
from sdetr.config.base import SettingsError
from sdetr.secrets import Redacted, redact

CODES = {FloatingPointError: 3, MemoryError: 4}
"""What went wrong while training → exit code; all else that a person can mend is 2."""


def main(arguments: list[str] | None = None) -> None:
    """Runs a verb. What a person can mend ends in one line and exit code 2 to 4, all else in a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    steering.pass_on(words)
    parsed = _parser().parse_args(words)
    line = f"%(asctime)s {_who(parsed)}%(message)s"
    level = logging.INFO if os.environ.get("RANK", "0") == "0" else logging.WARNING  # one of several speaks
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(Redacted(line, "%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[to_terminal])
    try:
        parsed.run(parsed)
    except BrokenPipeError:
        sys.exit(141)  # the reader of a pipe left, as in `sdetr plan | head`
    except (SettingsError, ValueError, OSError, FloatingPointError, MemoryError) as error:
        logging.debug("where it came from", exc_info=error)
        print(redact(f"sdetr {parsed.verb}: {error}"), file=sys.stderr)
        sys.exit(next((code for kind, code in CODES.items() if isinstance(error, kind)), 2))


def _who(parsed: argparse.Namespace) -> str:
    """Whose lines these are: several jobs share one terminal."""
    match parsed.verb:
        case "train" | "pretrain":
            return "/".join(parsed.out.parts[-4:]) + ": "  # protocol, model, start, seed
        case "backbone" | "features":
            return f"{parsed.verb} {parsed.out.stem}: "
        case _:
            return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sdetr", description=(__doc__ or "").split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for room in (
        planning,
        fetch,
        data,
        study,
        stages,
        proposals,
        models,
        overfit,
        replay,
        asking,
        verify,
        exchange,
        mirror,
        times,
        steering,
    ):
        room.add(verbs)
    return parser
