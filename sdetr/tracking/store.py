"""Which MLflow: that of MLFLOW_TRACKING_URI, else a database in the root, which plain `mlflow ui` shows."""

import hashlib
import http.client
import os
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from sdetr.secrets import redact

TIMEOUT_S = 3
UI_ADDRESS = "http://127.0.0.1:5000"
"""Where `make ui` serves the database in the root."""
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
TRAINING = "workflowType=machine_learning"
"""Without it MLflow's pages open in its mode for chat models."""


TIME_IS_UP = "the time was up"


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
        return redact(self._plain)

    @property
    def fingerprint(self) -> str:
        """Of the address without its password, so that another store is filled anew."""
        return hashlib.sha256(self._plain.rstrip("/").encode()).hexdigest()[:16]

    @property
    def _plain(self) -> str:
        """Scheme, host, port and path; the scheme alone of an address that cannot be taken apart."""
        if (parts := self._parts) is None:
            return f"{self._scheme}://"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        start = f"{parts.scheme}:" if parts.scheme else ""
        return f"{start}{'//' if '://' in self.uri else ''}{host}{port}{parts.path}"

    @property
    def _parts(self) -> SplitResult | None:
        """None if some of a password may be where it does not belong: behind a slash, `?` or `#`."""
        try:
            parts = urlsplit(self.uri)
            _ = parts.port
        except ValueError:
            return None
        behind = parts.path if self._file is None else ""
        behind += parts.query + parts.fragment if parts.netloc else ""
        return None if "@" in behind else parts

    @property
    def _scheme(self) -> str:
        return self.uri.partition(":")[0].lower()

    @property
    def is_server(self) -> bool:
        """Whether it keeps artifacts itself; a database does not."""
        return self._scheme in ("http", "https", "databricks")

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return self.shown.rstrip("/") if self.uri.startswith("http") else UI_ADDRESS

    def artifacts(self, experiment: str) -> str | None:
        """Where an experiment's artifacts go; never `mlruns/0`, beside which MLflow refuses to start."""
        return None if self.is_server else str(self.root / "mlartifacts" / experiment)

    @property
    def _file(self) -> Path | None:
        """Of a database that is a file."""
        start, _, rest = self.uri.partition(":///")
        name = rest.partition("?")[0].removeprefix("file:")
        return Path(name) if start.partition("+")[0] == "sqlite" and name not in ("", ":memory:") else None

    @property
    def is_own(self) -> bool:
        """Whether it is the database in the root."""
        return self._file is not None and self._file.resolve() == self.root / "mlflow.db"

    @property
    def missing(self) -> Path | None:
        """The file of a database, if nobody has made it."""
        path = self._file
        return None if path is None or (path.exists() and path.stat().st_size) else path

    def knock(self) -> None:
        """Raises TrackingError if nobody answers within seconds, before those that importing MLflow takes.

        Any answer will do, also a refusal: what it means is MLflow's matter.
        """
        if (parts := self._parts) is None:
            cure = "in a password / is written %2F, @ %40, # %23, ? %3F, a blank %20"
            raise TrackingError(f"MLFLOW_TRACKING_URI, {self.shown}…, cannot be taken apart: {cure}")
        try:
            if self._scheme in ("http", "https"):
                urllib.request.urlopen(f"{self._plain.rstrip('/')}/health", timeout=TIMEOUT_S).close()
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
