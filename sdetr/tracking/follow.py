"""A live view: one sync after the other while things train."""

import logging
import time
from pathlib import Path

from sdetr.config.plan import Plan
from sdetr.tracking.observe import Observer
from sdetr.tracking.store import TrackingError
from sdetr.tracking.sync import sync

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 300.0


def follow(plan: Plan, root: Path, every_s: float) -> None:
    """Ends when every job of the plan is finished and mirrored. An outage is told once, and waited for.

    A run that was killed, or that was made with other settings than the plan's, is going to be run again.
    """
    pause, outage, total = every_s, "", len(Observer(plan, root).jobs())
    while True:
        try:
            synced = sync(plan, root)
        except TrackingError as error:
            if str(error) != outage:
                log.warning("%s; trying again", error)
            pause, outage = min(2 * pause, LONGEST_PAUSE_S), str(error)
        else:
            if outage or synced.left:
                log.info("%s", synced)
            pause, outage = every_s, ""
            if synced.whole == total and not synced.left:
                log.info("%s: all that the plan has", synced)
                return
        time.sleep(pause)
