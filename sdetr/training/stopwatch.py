"""Where the seconds of a run go, over all its starts."""

import time

PARTS = ("total", "training", "evaluation")


class Stopwatch:
    """Every second counts to the total, and to a part if the lap that it belongs to has a name."""

    def __init__(self, spent: dict[str, float] | None = None) -> None:
        """`spent` is what earlier starts had when their last state was saved."""
        self.seconds = dict.fromkeys(PARTS, 0.0) | (spent or {})
        self._since = time.perf_counter()

    def lap(self, part: str | None = None) -> None:
        """What has passed since the last lap was spent on `part`."""
        now = time.perf_counter()
        passed, self._since = now - self._since, now
        self.seconds["total"] += passed
        if part:
            self.seconds[part] += passed
