"""One portrait into its run, part by part; a part that was sent as it is now is not sent again."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sdetr.tracking.curve import BATCH, Point, last_points, new_points
from sdetr.tracking.digests import Digested, digest_of, digest_of_value
from sdetr.tracking.door import Door
from sdetr.tracking.flat import flat
from sdetr.tracking.memory import Memory
from sdetr.tracking.portrait import Picture, Portrait
from sdetr.tracking.secrets import redact

AT_ONCE = 100
"""Params or tags of one call."""


class Mirror:
    """Writes a job's run; what has been sent is remembered in `file` after every part."""

    def __init__(self, door: Door, portrait: Portrait, memory: Memory, file: Path) -> None:
        self._door, self._memory, self._file = door, memory, file
        self.portrait, self.run_id = portrait, memory.run_id

    def send(self, models: dict[str, str], note: str) -> None:
        """`models`: slot of an input → the logged model of it. Raises TrackingError; what is sent stays.

        Tags come last but one: they testify that the rest is there.
        """
        p = self.portrait
        if p.settings is not None:
            params = flat(p.settings)
            self._once("params", lambda: self._params(params), "sent")  # they can never change
        self._curve()
        self._pictures()
        self._files()
        self._outputs()
        inputs = {slot: list(file) for slot, file in p.inputs.items()}
        self._once("inputs", lambda: self._inputs(models), [inputs, models])
        if p.status == "FINISHED":
            points = self._end()
            self._once("end", lambda: self._points(points), points)
        told = p.tags | {"mlflow.note.content": note}
        self._once("tags", lambda: self._tags(told), told)
        self._once("status", self._status, [p.status, p.ended_ms])

    def _once(self, part: str, send: Callable[[], None], content: Any) -> None:
        digest = digest_of_value(content)
        if self._memory.sent.get(part) != digest:
            send()
            self._memory.sent[part] = digest
            self._save()

    def _save(self) -> None:
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
            self._save()

    def _points(self, points: list[Point]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(point.key, point.value, point.time_ms, point.step) for point in points]
        for start in range(0, len(metrics), BATCH):
            self._door("log_batch", self.run_id, metrics=metrics[start : start + BATCH])

    def _end(self) -> list[Point]:
        """The curve's last values, which thinning may have left out, and what is known at the end alone."""
        p = self.portrait
        last = last_points(p.curve) if p.curve else []
        step = max((point.step for point in last), default=0)
        return last + [Point(key, value, p.measured_ms, step) for key, value in p.numbers.items()]

    def _pictures(self) -> None:
        from PIL import Image

        for picture in self.portrait.pictures:

            def send(picture: Picture = picture) -> None:
                with Image.open(picture.path) as image:
                    named = {"key": picture.key, "step": picture.step, "timestamp": picture.time_ms}
                    self._door("log_image", self.run_id, image, **named)

            self._once(f"picture {picture.path.name}", send, digest_of(picture.path))

    def _files(self) -> None:
        p = self.portrait
        for name, path in p.files.items():
            text = redact(path.read_text(encoding="utf-8"))
            self._once(f"file {name}", partial(self._door, "log_text", self.run_id, text, name), text)
        listed = {
            "run": p.run,
            "inputs": {slot: file._asdict() for slot, file in p.inputs.items()},
            "outputs": {slot: file._asdict() for slot, file in p.outputs.items()},
        }
        self._once("artifacts", lambda: self._door("log_dict", self.run_id, listed, "artifacts.json"), listed)

    def _outputs(self) -> None:
        """Weights are logged models by reference: others name them as what they were made from."""
        from mlflow.entities import LoggedModelOutput

        if (weights := self.portrait.outputs.get("weights")) is None:
            return

        def send(file: Digested = weights) -> None:
            name = self.portrait.name.replace(" · ", "-").replace(".", "_")
            tags = {"path": file.path, "sha256": file.sha256, "run": self.portrait.run}
            model = self._door(
                "create_logged_model",
                self._memory.experiment_id,
                name=name,
                source_run_id=self.run_id,
                tags=tags,
                model_type=self.portrait.job.stage,
            )
            self._door("log_outputs", self.run_id, [LoggedModelOutput(model.model_id, 0)])
            self._door("finalize_logged_model", model.model_id, "READY")
            self._memory.models["weights"] = model.model_id

        self._once("model weights", send, list(weights))

    def _inputs(self, models: dict[str, str]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput

        datasets = []
        for slot, (path, digest) in self.portrait.inputs.items():
            source = json.dumps({"path": path, "sha256": digest})
            dataset = Dataset(name=path, digest=digest[:32], source_type="local", source=source)
            datasets.append(DatasetInput(dataset, [InputTag("mlflow.data.context", slot)]))
        used = [LoggedModelInput(model) for model in dict.fromkeys(models.values())]
        if datasets or used:
            self._door("log_inputs", self.run_id, datasets=datasets, models=used)

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
