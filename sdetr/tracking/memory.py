"""mlflow.json: what one job's mirror holds already, so that nothing is sent twice."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sdetr.files import write_json
from sdetr.tracking.curve import Mark


@dataclass
class Memory:
    """Valid for one store; losing it costs a second look, never a second run."""

    store: str
    run_id: str = ""
    experiment_id: str = ""
    attempt: str = ""
    cuts: int = 0
    """How often the curve went back behind what had been sent."""
    mark: Mark = field(default_factory=Mark)
    measured: int = 0
    """How often numbers that hold at the end were sent: MLflow shows the latest, not the last that came."""
    sent: dict[str, str] = field(default_factory=dict)
    """Part → digest of what was sent of it."""
    models: dict[str, str] = field(default_factory=dict)
    """Slot of an output → id of the logged model that stands for it."""

    @classmethod
    def load(cls, path: Path, store: str) -> "Memory":
        """What is remembered of this store; nothing if the file speaks of another, or is damaged."""
        try:
            said: dict[str, Any] = json.loads(path.read_bytes())
            memory = cls(**said | {"mark": Mark(**said["mark"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return cls(store)
        return memory if memory.store == store else cls(store)

    def save(self, path: Path) -> None:
        write_json(path, asdict(self), indent=1)

    def begin(self, run_id: str, experiment_id: str, attempt: str) -> None:
        """From here on it speaks of this run, of which nothing has been sent."""
        self.run_id, self.experiment_id, self.attempt = run_id, experiment_id, attempt
        self.mark, self.measured, self.sent, self.models = Mark(), 0, {}, {}
