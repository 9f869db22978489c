"""The one door to MLflow: every call in limited time, and what fails fails as one line without secrets."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sdetr.files import written_whole
from sdetr.tracking.secrets import redact
from sdetr.tracking.store import TIMEOUT_S, Store, TrackingError

PATIENCE_S = 10
"""For one call, whatever it hangs in. Two such calls end a sync."""
FIRST_S = 20
"""For the first one, which imports the half of MLflow."""

EMPTY = "Nothing is here: runs are in the experiments called <scale>/<table>, /pretrain, /inputs, /tables."
"""Said of the experiment that MLflow makes by itself."""

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(TIMEOUT_S),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "10",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PGCONNECT_TIMEOUT": str(TIMEOUT_S),
    "GIT_PYTHON_REFRESH": "quiet",
}
"""MLflow's own: four minutes for one call on a closed port."""


class Door:
    """An MlflowClient whose methods are called by name: `door("create_run", …)`."""

    def __init__(self, store: Store) -> None:
        """Makes the database if there is none. Raises TrackingError."""
        store.knock()
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self.store = store
        try:
            import mlflow
            import sqlalchemy
        except ImportError as error:
            raise TrackingError(f"{error}; `uv sync` brings what tracking needs") from None
        for name in ("mlflow", "alembic", "urllib3", "git"):  # they say it in many lines, with passwords
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Those of requests are OSErrors.
        self._refusals = (mlflow.MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError)
        self._open = mlflow.MlflowClient
        self._client = self._guarded("the first call", self._connect, FIRST_S)

    def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Raises TrackingError."""
        return self._guarded(method, lambda: getattr(self._client, method)(*arguments, **named), PATIENCE_S)

    def _connect(self) -> Any:
        if path := self.store.missing:
            with written_whole(path) as temporary:  # killed half-way, a database would stay half for ever
                self._open(f"sqlite:///{temporary}").set_experiment_tag("0", "mlflow.note.content", EMPTY)
        client = self._open(self.store.uri)
        client.search_experiments(max_results=1)
        return client

    def _guarded(self, what: str, call: Callable[[], Any], seconds: int) -> Any:
        try:
            with _limited(seconds):
                return call()
        except self._refusals as error:
            lines = redact(str(error)).strip().splitlines() or [type(error).__name__]
            told = next((line for line in lines if "Error" in line), lines[0])[:300]
            raise TrackingError(f"MLflow at {self.store.shown} refused {what}: {told}") from None


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in the block when it takes longer; only the main thread can be stopped so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
