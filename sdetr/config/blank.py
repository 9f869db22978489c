"""Metrics that nobody counts of a row's runs: their cells would stay blank, so they are refused."""

from collections.abc import Iterable, Mapping

from sdetr.config.base import SettingsError

OF = {
    "-11": "of VOC's test sets",
    "-novel": "of protocols that say novel",
    "-error": "of protocols that say matched",
    "-mb": "of protocols of task bench",
    "-s": "of protocols of task bench",
    "": "of predictions",
}
"""End of a metric's name → the runs that have it; the first that fits."""
COST = ("-mb", "-s")
AT_THE_END = ("-11", "-novel", "-error")
"""Of answers too, but counted once, at the end: no curve has them."""


def refuse_blank(table: str, row: str, metrics: Iterable[str], why: Mapping[str, str]) -> None:
    """`why`: end of a metric's name → why these runs have no such metric. Raises SettingsError."""
    for metric in metrics:
        end = next(end for end in OF if metric.endswith(end))
        if end in why:
            raise SettingsError(f"table {table}: row {row}: no {metric}, {OF[end]}: {why[end]}")
