"""Metrics that nobody counts of a row's runs: their cells would stay blank, so they are refused."""

from collections.abc import Iterable, Mapping

from sdetr.config.base import SettingsError

OF_A_CLASS = "AP50-…"
OF = {
    OF_A_CLASS: "of protocols of task one_shot",
    "-11": "of VOC's test sets",
    "-novel": "of protocols that say novel",
    "-error": "of protocols that say matched",
    "Q": "of protocols of task panoptic_masks",
    "-th": "of protocols of task panoptic_masks",
    "-st": "of protocols of task panoptic_masks",
    "-mask": "of protocols of task panoptic_masks",
    "-mb": "of protocols of task bench",
    "-s": "of protocols of task bench",
    "": "of predictions",
}
"""Kind of a metric, most of which are the end of its name → the runs that have it."""
COST = ("-mb", "-s")
QUALITY = ("Q", "-th", "-st")
AT_THE_END = ("-11", "-novel", "-error", "-mask")
"""Of answers too, but counted once, at the end: no curve has them."""
OF_ALL = ("-novel", "-error", "")
"""Of the answers about all classes at once; one-shot detection answers about one."""


def refuse_blank(table: str, row: str, metrics: Iterable[str], why: Mapping[str, str]) -> None:
    """`why`: kind of metric → why these runs have no such metric. Raises SettingsError."""
    for metric in metrics:
        for kind in kinds(metric):
            if kind in why:
                raise SettingsError(f"table {table}: row {row}: no {metric}, {OF[kind]}: {why[kind]}")


def kinds(metric: str) -> list[str]:
    """What a run has to be, to have this metric: `AP50-seen-11` is of classes, and of VOC's test sets."""
    name = metric.removesuffix("-11")
    eleven = ["-11"] if name != metric else []
    if name.startswith("AP50-") and not name.endswith("-novel"):
        return [OF_A_CLASS, *eleven]
    return [*eleven, next(end for end in OF if name.endswith(end))]
