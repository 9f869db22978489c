"""Ending a training when somebody asks, with nothing lost.

A cluster sends USR1 before a job's time is over, and TERM when another job wants its place; a person presses
Ctrl-C. Each asks; the training answers at the end of its step, when everything is saved. Signals are the
process's, not a run's, so what was asked is kept by the module.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

log = logging.getLogger(__name__)

ASKING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
PATIENCE_S = 600.0
"""Longer than clusters wait between asking and killing; whoever is not killed by then was asked by hand."""


class Halted(BaseException):
    """Everything is saved. No Exception: nobody who takes errors as they come is to go on after it."""

    def __init__(self, asked: signal.Signals) -> None:
        super().__init__(f"asked to stop by {asked.name}")
        self.asked = asked


class _Heard:
    """What was asked, and whether the answer has to wait for the end of a step."""

    asked: signal.Signals | None = None
    waits = False
    listens = False


_heard = _Heard()


def unless_halted(work: Callable[[], None]) -> None:
    """Works, and leaves as a cluster or a shell expects it when somebody asked.

    Afterwards, while the process ends, it hears nothing: what is finished must not look interrupted.
    """
    with listening():
        try:
            work()
            ignore()
        except Halted as halted:
            leave(halted)
    for one in ASKING:
        signal.signal(one, signal.SIG_IGN)


def ignore() -> None:
    """From here on nobody is asked to stop: the last words are being written."""
    if _heard.listens:
        for one in ASKING:
            signal.signal(one, signal.SIG_IGN)


@contextmanager
def listening() -> Iterator[None]:
    """Signals ask instead of killing; where nothing waits for a step to end, they raise Halted at once."""
    before = {number: signal.signal(number, _ask) for number in ASKING}
    _heard.listens = True
    try:
        yield
    finally:
        _heard.asked, _heard.waits, _heard.listens = None, False, False
        for number, handler in before.items():
            signal.signal(number, handler)


def _ask(number: int, _frame: FrameType | None) -> None:
    again = _heard.asked is not None
    _heard.asked = _heard.asked or signal.Signals(number)
    if number == signal.SIGINT and again:
        raise KeyboardInterrupt  # a person who presses it twice does not want to wait
    if not _heard.waits:
        raise Halted(_heard.asked)


@contextmanager
def at_step_ends() -> Iterator[None]:
    """Inside, whoever asks waits until `halt`."""
    before, _heard.waits = _heard.waits, True
    try:
        yield
    finally:
        _heard.waits = before


@contextmanager
def at_once() -> Iterator[None]:
    """Inside, nothing is lost by stopping anywhere."""
    if asked():
        halt()
    before, _heard.waits = _heard.waits, False
    try:
        yield
    finally:
        _heard.waits = before


def asked() -> bool:
    return _heard.asked is not None


def halt() -> NoReturn:
    """Raises Halted; everything has to be saved. A rank that heard nothing goes because another was asked."""
    raise Halted(_heard.asked or signal.SIGTERM)


def leave(halted: Halted) -> NoReturn:
    """Ends the process as whoever asked expects it.

    A SLURM job that ends by itself has failed, so inside one it waits to be killed; before its time is over
    it asks for another turn, under its own number.
    """
    for one in ASKING:
        signal.signal(one, signal.SIG_IGN)
    job, number = os.environ.get("SLURM_JOB_ID"), halted.asked
    leads = os.environ.get("RANK", "0") == "0"  # of the processes that share a training, one speaks for all
    if leads:
        log.warning("%s; everything is saved, the same command continues", halted)
    if job and number == signal.SIGUSR1 and leads and (refused := _requeue(job)):
        log.error("scontrol requeue %s: %s", job, refused)
        sys.exit(128 + number)
    if job and number != signal.SIGINT:
        time.sleep(PATIENCE_S)
    sys.exit(128 + number)


def _requeue(job: str) -> str:
    """Why it was refused; empty if it was not."""
    try:
        answer = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return (answer.stderr.strip() or answer.stdout.strip() or "no reason given") if answer.returncode else ""
