"""Metrics that nobody counts of a row's runs: their cells would stay blank, so they are refused."""

from collections.abc import Iterable, Mapping

from sdetr.config.base import SettingsError

OF = {
    "-11": "of VOC's test sets",
    "-error": "of protocols that say matched",
}
"""End of a metric's name → the runs that have it; those of other names are of every prediction."""


def refuse_blank(table: str, row: str, metrics: Iterable[str], why: Mapping[str, str]) -> None:
    """`why`: end of a metric's name → why these runs have no such metric. Raises SettingsError."""
    for metric in metrics:
        for end, reason in why.items():
            if metric.endswith(end):
                raise SettingsError(f"table {table}: row {row}: no {metric}, {OF[end]}: {reason}")
