"""The one door to MLflow: every call in limited time, and what fails fails as one line without secrets."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sdetr.files import written_whole
from sdetr.secrets import redact
from sdetr.tracking.store import TIME_IS_UP, TIMEOUT_S, Store, TrackingError

PATIENCE_S = 10
"""For one call, whatever it hangs in. Two such calls end a sync."""
KNOCK_S = 6
"""Until a first word: a server that dribbles would never be done."""
REACH_S = 22
"""For all until a first answer, importing MLflow included; where that takes long, one call's time remains."""
NEW_S = 60
"""For making a database: a file, which no server can hold up."""
AGAIN_S = 1
"""Between one alarm and the next."""

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

    def __init__(self, store: Store, until: float = float("inf")) -> None:
        """Makes the database if there is none. Behind `until`, of the monotonic clock, it stays shut.

        Raises TrackingError.
        """
        began = time.monotonic()
        with _limited(KNOCK_S):
            store.knock()
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self.store, self._until = store, until
        try:
            import mlflow
            import sqlalchemy
        except ImportError as error:
            raise TrackingError(f"{error}; `uv sync` brings what tracking needs") from None
        for name in ("mlflow", "alembic", "urllib3", "git"):  # they say it in many lines, with passwords
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Those of requests are OSErrors; a driver that is missing, or an odd address, says itself so.
        self._refusals = (
            mlflow.MlflowException,
            sqlalchemy.exc.SQLAlchemyError,
            OSError,
            ImportError,
            ValueError,
        )
        self._open = mlflow.MlflowClient
        left = NEW_S if store.missing else max(PATIENCE_S, REACH_S - (time.monotonic() - began))
        self._client = self._guarded("the first call", self._connect, left)

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

    def _guarded(self, what: str, call: Callable[[], Any], seconds: float) -> Any:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TrackingError(TIME_IS_UP)
        try:
            with _limited(min(seconds, left)):
                return call()
        except self._refusals as error:
            if time.monotonic() >= self._until:
                raise TrackingError(TIME_IS_UP) from None
            lines = redact(str(error)).strip().splitlines() or [type(error).__name__]
            told = next((line for line in lines if "Error" in line), lines[0])[:300]
            if isinstance(error, ImportError):
                told += "; an address of this kind needs it installed"
            raise TrackingError(f"MLflow at {self.store.shown} refused {what}: {told}") from None


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in the block when it takes longer; only the main thread can be stopped so.

    And again every second, for what is in the block may swallow it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"no answer within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
