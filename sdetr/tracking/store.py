"""Which MLflow: that of MLFLOW_TRACKING_URI, else a database in the root, which plain `mlflow ui` shows."""

import hashlib
import http.client
import os
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from sdetr.tracking.secrets import redact

TIMEOUT_S = 3
UI_ADDRESS = "http://127.0.0.1:5000"
"""Where `make ui` serves the database in the root."""
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


TRAINING = "workflowType=machine_learning"
"""Without it MLflow's pages open in its mode for chat models."""


class TrackingError(ConnectionError):
    """MLflow cannot be reached or refuses; nothing is lost, the next sync makes up for it."""


@dataclass(frozen=True)
class Store:
    """An address, which may hold a password, and what may be said of it."""

    uri: str
    root: Path

    @classmethod
    def of(cls, root: Path) -> "Store":
        root = root.resolve()
        return cls(os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}", root)

    @property
    def shown(self) -> str:
        return redact(self.uri)

    @property
    def fingerprint(self) -> str:
        """Of the address without its password, so that another store is filled anew."""
        return hashlib.sha256(self._plain.encode()).hexdigest()[:16]

    @property
    def _plain(self) -> str:
        """Without user, password and query."""
        parts = urlsplit(self.uri)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))

    @property
    def is_server(self) -> bool:
        """Whether it keeps artifacts itself; a database does not."""
        return urlsplit(self.uri).scheme in ("http", "https", "databricks")

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return self.shown.rstrip("/") if self.uri.startswith("http") else UI_ADDRESS

    def artifacts(self, experiment: str) -> str | None:
        """Where an experiment's artifacts go; never `mlruns/0`, beside which MLflow refuses to start."""
        return None if self.is_server else str(self.root / "mlartifacts" / experiment)

    @property
    def missing(self) -> Path | None:
        """The database in the root, if it is the one and nobody has made it."""
        path = self.root / "mlflow.db"
        return path if self.uri == f"sqlite:///{path}" and not path.exists() else None

    def knock(self) -> None:
        """Raises TrackingError if nobody answers within 3 s, before the seconds that importing MLflow takes.

        Any answer will do, also a refusal: what it means is MLflow's matter.
        """
        parts = urlsplit(self.uri)
        try:
            if self.uri.startswith(("http://", "https://")):
                urllib.request.urlopen(f"{self._plain}/health", timeout=TIMEOUT_S).close()
            elif parts.hostname:
                port = parts.port or PORTS.get(parts.scheme.partition("+")[0])
                if port:
                    socket.create_connection((parts.hostname, port), TIMEOUT_S).close()
        except urllib.error.HTTPError:
            return
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise TrackingError(f"MLflow at {self.shown} does not answer ({redact(str(reason))})") from None


def page(experiment_id: str, run_id: str) -> str:
    """Of a run, behind the address and `#`."""
    return f"/experiments/{quote(experiment_id)}/runs/{quote(run_id)}?{TRAINING}"
