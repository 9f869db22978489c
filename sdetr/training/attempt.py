"""One start of a run: its state folder, opened where the start before it was killed."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sdetr import record
from sdetr.config.base import Settings
from sdetr.data.dataset import Dataset
from sdetr.files import write_json, written_whole
from sdetr.hopeless import refuse_hopeless
from sdetr.secrets import Redacted
from sdetr.training.checkpoint import Checkpoint
from sdetr.training.device import describe, peak_bytes
from sdetr.training.halt import ignore
from sdetr.training.journal import Journal
from sdetr.training.owner import owned
from sdetr.training.ranks import ALONE, Ranks
from sdetr.training.stopwatch import Stopwatch

log = logging.getLogger(__name__)

NONE: Mapping[str, Dataset] = {}


class Attempt:
    """State, journal, record and clock of a run; `run` is its path below `data/<scale>/`."""

    def __init__(
        self,
        scale: Path,
        stage: str,
        run: str,
        settings: Settings,
        seed: int,
        inputs: dict[str, Path],
        device: torch.device,
        ranks: Ranks = ALONE,
        images: Mapping[str, Dataset] = NONE,
    ) -> None:
        """`inputs` are digested; the one called `settings` is compared by what it says, not by its bytes.

        `images`: of those inputs that are indexes, as their files are no inputs themselves. Of several ranks
        the leading one reads and writes; the others begin with what it read.
        """
        self.folder = scale / "state" / run
        self.stage, self.settings = stage, settings
        self.device, self.seed, self.ranks, self._images = device, seed, ranks, images
        self.saved: dict[str, Any] | None = None
        if ranks.leads:
            self._open(stage, run, settings, inputs)
        self.saved = ranks.led(self.saved)
        self.watch = Stopwatch(self.saved["seconds"] if self.saved else None)

    def _open(self, stage: str, run: str, settings: Settings, inputs: dict[str, Path]) -> None:
        self.record = record.begin(stage, run, self.seed, inputs, self.folder, describe(self.device))
        files = {name: entry["sha256"] for name, entry in self.record["inputs"].items() if name != "settings"}
        for name, dataset in self._images.items():
            files[f"{name}-images"] = self.record["inputs"][name]["images"] = dataset.digest_of_files()
        self._checkpoint = Checkpoint(self.folder, {"settings": settings.said(), "inputs": files})
        self.saved = self._checkpoint.load()
        saved = self.saved or {"step": 0, "journal": 0}
        self.journal = Journal(self.folder / "metrics.jsonl", saved["journal"])
        earlier = record.earlier_starts(self.folder / "run.json", self.record["inputs"])
        self.record["starts"] = [*earlier, record.start_entry(saved["step"], self.ranks.world)]
        write_json(self.folder / "run.json", self.record, indent=1)
        log.info("%s: %s", run, f"continues at step {saved['step']}" if self.saved else "starts")

    def refuse_small_disk(self, state_bytes: int) -> None:
        """Raises OSError if states of so many bytes will not fit where they are kept."""
        if self.ranks.leads:
            self._checkpoint.refuse_small_disk(state_bytes)

    def write(self, **values: float) -> None:
        """A line of the curve."""
        if self.ranks.leads:
            self.journal.write(**values)

    def save(self, state: dict[str, Any]) -> None:
        """Safe from here on: the next start continues with this."""
        if self.ranks.leads:
            self._save(state)

    def _save(self, state: dict[str, Any]) -> None:
        self._checkpoint.save(state | {"journal": self.journal.secured(), "seconds": self.watch.seconds})

    def publish_words(self, settings: bytes, out: Path) -> None:
        """The settings as they were when the run began, and its curve."""
        for name, content in (("settings.yaml", settings), ("metrics.jsonl", self.journal.path.read_bytes())):
            with written_whole(out / name) as temporary:
                temporary.write_bytes(content)

    def finish(self, path: Path, outputs: dict[str, Path], **more: Any) -> None:
        """Writes the record, last of all outputs; then the state has no use any more, and no way back.

        Raises ValueError when an input, or an image, is no more what it was.
        """
        self._refuse_other_images()
        ignore()
        self.watch.lap()
        ended = record.end(self.record | more, outputs, self.watch.seconds, peak_bytes(self.device))
        write_json(self.folder / "run.json", ended, indent=1)
        write_json(path, ended, indent=1)
        self._checkpoint.clear()
        log.info("%s: finished after %.0f s", ended["run"], ended["seconds"]["total"])

    def _refuse_other_images(self) -> None:
        for name, dataset in self._images.items():
            if dataset.digest_of_files() != self.record["inputs"][name]["images"]:
                path = self.record["inputs"][name]["path"]
                raise ValueError(
                    f"images that {path} ({name}) lists changed while this ran: some are longer, shorter or "
                    "gone; put them back and the same command finishes, or leave it so and it begins anew"
                )


@contextmanager
def logged_to(path: Path, ranks: Ranks = ALONE, out: Path | None = None) -> Iterator[None]:
    """What the library says, also at the end of a file, in a state folder that is this training's alone.

    Raises OSError, at once, when nothing could be written there, or beside `out`, when all is done.
    """
    if not ranks.leads:
        yield
        return
    for folder in (path.parent, *((out if out.is_dir() else out.parent,) if out else ())):
        refuse_hopeless((), folder)
    with owned(path.parent):
        yield from _logged(path)


def _logged(path: Path) -> Iterator[None]:
    logger, handler = logging.getLogger("sdetr"), logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(Redacted("%(asctime)s %(levelname)s %(message)s"))
    level = logger.level
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
