"""How fast runs train here, for `sdetr plan --probe`: each kind is timed once."""

import logging

from pydantic import TypeAdapter

from sdetr.config.job import Job
from sdetr.config.throughput import Alike, Rate
from sdetr.training.device import choose_device, describe
from sdetr.training.probe import IMAGES, STEPS, images_per_second
from sdetr.training.settings import FinetuneRun, PretrainRun

log = logging.getLogger(__name__)


class Timed:
    """Remembers what it has timed."""

    def __init__(self, device: str = "auto") -> None:
        self._device = choose_device(device)
        self._known: dict[Alike, Rate] = {}

    def rate_of(self, job: Job, kind: Alike) -> Rate:
        if kind not in self._known:
            model: type[PretrainRun] | type[FinetuneRun] = (
                PretrainRun if job.stage == "pretrain" else FinetuneRun
            )
            rate = images_per_second(TypeAdapter(model).validate_python(job.settings), self._device)
            log.info("%s: %.3g images/s", kind, rate)
            source = f"measured now: {kind}, {STEPS} steps of at most {IMAGES} images"
            self._known[kind] = Rate(rate, str(describe(self._device)), source)
        return self._known[kind]
