"""The arithmetic of a table: what is said about a few runs of the same thing."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Mean and sample deviation (over n − 1) of n values; one value has no deviation."""

    mean: float
    std: float | None
    n: int

    def __str__(self) -> str:
        return self.written()

    def written(self, decimals: int = 1) -> str:
        spread = "" if self.std is None else f" ± {self.std:.{decimals}f}"
        return f"{self.mean:.{decimals}f}{spread}"


def summarise(values: Sequence[float]) -> Summary | None:
    """None for no values."""
    if not values:
        return None
    std = statistics.stdev(values) if len(values) > 1 else None
    return Summary(statistics.fmean(values), std, len(values))


def signed(difference: float, decimals: int = 1) -> str:
    """With its sign; what rounds to nothing is +0.0, never -0.0."""
    return f"{round(difference, decimals) + 0.0:+.{decimals}f}"
