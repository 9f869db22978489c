"""What hangs on a run: pictures, small texts, inputs, outputs. Large files are not copied but named."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sdetr.secrets import redact
from sdetr.tracking.digests import digest_of
from sdetr.tracking.door import Door
from sdetr.tracking.memory import Memory
from sdetr.tracking.portrait import Picture, Portrait

Part = tuple[str, Callable[[], Any], Any]
"""A name, what sends it, and what it holds as plain values."""

LISTING = "artifacts.json"
"""Every input and output by slot: path and sha256."""
FIRST = ("train", "dataset", "test")
"""MLflow's list of runs shows one input; it should be the images."""


class Attachments:
    """The parts of a portrait that are no numbers."""

    def __init__(self, door: Door, portrait: Portrait, memory: Memory) -> None:
        self._door, self._portrait, self._memory = door, portrait, memory
        self._run_id = memory.run_id

    def parts(self, models: dict[str, str]) -> Iterator[Part]:
        """In the order in which they are to be sent."""
        p = self._portrait
        for picture in p.pictures:
            name = f"picture {picture.path.name}"
            yield name, partial(self._send_picture, picture), digest_of(picture.path)
        for name, path in p.files.items():
            text = redact(path.read_text(encoding="utf-8"))
            yield f"file {name}", partial(self._door, "log_text", self._run_id, text, name), text
        if weights := p.outputs.get("weights"):
            yield "model weights", self._send_weights, list(weights)
        inputs = {slot: list(file) for slot, file in p.inputs.items()}
        yield "inputs", partial(self._send_inputs, models), [inputs, models]
        listing = {
            "run": p.run,
            "inputs": {slot: file._asdict() for slot, file in p.inputs.items()},
            "outputs": {slot: file._asdict() for slot, file in p.outputs.items()},
        }
        yield "listing", partial(self._door, "log_dict", self._run_id, listing, LISTING), listing

    def _send_picture(self, picture: Picture) -> None:
        from PIL import Image

        with Image.open(picture.path) as image:
            named = {"key": picture.key, "step": picture.step, "timestamp": picture.time_ms}
            self._door("log_image", self._run_id, image, **named)

    def _send_weights(self) -> None:
        """A logged model by reference: later runs name it as what they were made from."""
        from mlflow.entities import LoggedModelOutput

        weights, p = self._portrait.outputs["weights"], self._portrait
        model = self._door(
            "create_logged_model",
            self._memory.experiment_id,
            name=p.name.translate(str.maketrans("/.:%", "-___")),
            source_run_id=self._run_id,
            tags={"path": weights.path, "sha256": weights.sha256, "run": p.run},
            model_type=p.job.stage,
        )
        self._door("log_outputs", self._run_id, [LoggedModelOutput(model.model_id, 0)])
        self._door("finalize_logged_model", model.model_id, "READY")
        self._memory.models["weights"] = model.model_id

    def _send_inputs(self, models: dict[str, str]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput

        files = self._portrait.inputs
        datasets = []
        for slot in sorted(files, key=lambda slot: slot not in FIRST):
            path, digest = files[slot]
            if slot == "settings":  # the params are what it says
                continue
            source = json.dumps({"path": path, "sha256": digest})
            dataset = Dataset(name=_short(path), digest=digest[:32], source_type="local", source=source)
            datasets.append(DatasetInput(dataset, [InputTag("mlflow.data.context", slot)]))
        used = [LoggedModelInput(model) for model in dict.fromkeys(models.values())]
        if datasets or used:
            self._door("log_inputs", self._run_id, datasets=datasets, models=used)


def _short(path: str) -> str:
    """`data/raw/shapes/train.json` → `shapes/train`; `data/demo/views/x/seed0.parquet` → `views/x/seed0`."""
    return "/".join(Path(path).with_suffix("").parts[2:]) or path


def listed(door: Door, run_id: str, folder: Path) -> dict[str, dict[str, str]]:
    """What a run's listing says of its outputs, by slot. Raises TrackingError if there is none."""
    path = Path(door("download_artifacts", run_id, LISTING, str(folder)))
    outputs: dict[str, dict[str, str]] = json.loads(path.read_bytes())["outputs"]
    return outputs
