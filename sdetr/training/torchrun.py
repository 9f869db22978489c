"""torchrun, as a training wants it: `python -m sdetr.training.torchrun WORDS`.

Its own ends with 1 whatever its processes end with, and by a USR1, which is for them.
"""

import signal
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

TELLING = (3, 4)
"""Exit codes of what went wrong in a training (sdetr/cli): other ranks waited in vain, or were ended."""


def run(words: list[str]) -> int:
    """The exit code of the processes that torchrun starts."""
    # SLURM sends it to every process of a job; those that train have a handler of their own.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        main(words)
    except SignalException as asked:
        return 128 + asked.sigval
    except ChildFailedError as error:
        first, failure = error.get_first_failure()
        how = f"with code {failure.exitcode}" if failure.exitcode > 0 else f"by {failure.signal_name()}"
        sys.stderr.write(f"rank {first} ended {how}; what it said is above\n")
        codes = [one.exitcode for one in error.failures.values()]
        return next((code for code in codes if code in TELLING), max(1, failure.exitcode))
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
