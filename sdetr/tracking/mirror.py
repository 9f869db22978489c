"""One portrait into its run, part by part; a part that was sent as it is now is not sent again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sdetr.secrets import redact
from sdetr.tracking.attachments import Attachments
from sdetr.tracking.curve import BATCH, Point, last_points, new_points
from sdetr.tracking.digests import digest_of_value
from sdetr.tracking.door import Door
from sdetr.tracking.flat import flat
from sdetr.tracking.memory import Memory
from sdetr.tracking.portrait import Portrait

AT_ONCE = 100
"""Params or tags of one call."""


class Mirror:
    """Writes a job's run; what has been sent is remembered in `file` after every part."""

    def __init__(self, door: Door, portrait: Portrait, memory: Memory, file: Path) -> None:
        self._door, self._memory, self._file = door, memory, file
        self.portrait, self.run_id = portrait, memory.run_id

    def send(self, models: dict[str, str], note: str) -> None:
        """`models`: slot of an input → the logged model of it. Raises TrackingError; what is sent stays.

        The list of outputs comes after them: it testifies that they are there.
        """
        p, attachments = self.portrait, Attachments(self._door, self.portrait, self._memory)
        if p.settings is not None:
            params = flat(p.settings)
            self._once("params", lambda: self._params(params), "sent")  # they can never change
        self._curve()
        if p.status == "FINISHED":
            last = last_points(p.curve) if p.curve else []  # thinning may have left them out
            self._once("end", lambda: self._points(last), last)
            self._once("numbers", lambda: self._numbers(last), p.numbers)
        for part, send, content in attachments.parts(models):
            self._once(part, send, content)
        tags = p.tags | {"mlflow.note.content": note}
        self._once("tags", lambda: self._tags(tags), tags)
        self._once("status", self._status, [p.status, p.ended_ms])

    def _once(self, part: str, send: Callable[[], Any], content: Any) -> None:
        digest = digest_of_value(content)
        if self._memory.sent.get(part) != digest:
            send()
            self._memory.sent[part] = digest
            self._memory.save(self._file)

    def _params(self, params: dict[str, str]) -> None:
        from mlflow.entities import Param

        for some in _chunks(params):
            self._door("log_batch", self.run_id, params=[Param(k, redact(v)) for k, v in some.items()])

    def _tags(self, tags: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        for some in _chunks(tags):
            self._door("log_batch", self.run_id, tags=[RunTag(k, redact(v)) for k, v in some.items()])

    def _curve(self) -> None:
        if self.portrait.curve is None:
            return
        for points, mark in new_points(self.portrait.curve, self._memory.mark):
            self._points(points)
            self._memory.mark = mark
            self._memory.save(self._file)

    def _points(self, points: list[Point]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(point.key, point.value, point.time_ms, point.step) for point in points]
        for start in range(0, len(metrics), BATCH):
            self._door("log_batch", self.run_id, metrics=metrics[start : start + BATCH])

    def _numbers(self, last: list[Point]) -> None:
        """What is known at the end alone, at the time of the end: that of the record, not of a file.

        Numbers that were measured anew are a millisecond later than those before.
        """
        step = max((point.step for point in last), default=0)
        time_ms = (self.portrait.ended_ms or 0) + self._memory.measured
        self._points([Point(key, value, time_ms, step) for key, value in self.portrait.numbers.items()])
        self._memory.measured += 1

    def _status(self) -> None:
        p = self.portrait
        if p.status == "RUNNING":
            self._door("update_run", self.run_id, status="RUNNING")
        else:
            self._door("set_terminated", self.run_id, p.status, p.ended_ms)


def _chunks(values: dict[str, str]) -> Iterator[dict[str, str]]:
    items = list(values.items())
    for start in range(0, len(items), AT_ONCE):
        yield dict(items[start : start + AT_ONCE])
