"""MLflow with a password before it and PostgreSQL behind it."""

import base64
import http.client
import ipaddress
import os
import pwd
import secrets
import socket
import sys
from pathlib import Path

from workflow.lib.tracking_server.packages import python_for
from workflow.lib.tracking_server.postgres import Postgres
from workflow.lib.tracking_server.servants import IS_ROOT, Servants, ServerError, listening, make_user

USER = "sdetr-tracking"
"""Who serves where root starts it: the database lets in whoever is this user, so nobody else may be."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that mean all of a machine, and by which one it finds itself."""
RIGHTS = """[mlflow]
default_permission = READ
database_uri = {}
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""
"""Without a cache every call pays for hashing, about a second."""
READY = """MLflow is at {address}; Ctrl-C ends it, or kill {pid}. The password is in {password}. Clients need:
    export MLFLOW_TRACKING_URI={address}
    export MLFLOW_TRACKING_USERNAME=admin
    export MLFLOW_TRACKING_PASSWORD="$(cat {password})"
"""


class TrackingServer:
    """MLflow on one port, and what it needs."""

    def __init__(self, folder: Path, host: str, port: int, allowed: str) -> None:
        """`allowed`: by what other names this machine is called, with commas between."""
        me = pwd.getpwuid(os.geteuid()).pw_name
        self._folder, self._host, self._port = folder, host, port
        self._user = USER if IS_ROOT else me
        self._name = _bracketed(socket.gethostname() if host in ANYWHERE else host)
        names = [name.strip() for name in allowed.split(",") if name.strip()]
        self._names = names if is_loopback(host) else [self._name, *names]
        self.servants = Servants(folder)
        self._database = Postgres(self.servants, folder, "postgres" if IS_ROOT else me)

    @property
    def ready(self) -> str:
        """What clients need, without the password itself."""
        password = self._folder / "secrets" / "admin"
        address = f"http://{self._name}:{self._port}"
        return READY.format(address=address, password=password, pid=os.getpid())

    def start(self) -> None:
        """Raises ServerError."""
        self.servants.end_leftovers()
        self._refuse_if_taken()
        if IS_ROOT:
            make_user(USER)
        self._database.start(self._user, ("tracking", "auth"))
        home = self.servants.own("mlflow", self._user)
        python = python_for(self._user, self.servants, self._folder / "environment")
        uri = self._database.uri("tracking")
        self.servants.run(self._user, python, "-m", "mlflow", "db", "upgrade", uri)
        rights = self._folder / "rights.ini"  # not at home: who serves may write there
        rights.write_text(RIGHTS.format(self._database.uri("auth").replace("%", "%%")))
        password = self._secret("admin")
        environment = {
            "HOME": str(home),
            "MLFLOW_AUTH_CONFIG_PATH": str(rights),
            "MLFLOW_AUTH_ADMIN_PASSWORD": password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self._secret("session"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        words = [python, "-m", "mlflow", "server", *self._options(home, uri)]
        self.servants.serve("mlflow", self._user, words, environment)
        self.servants.wait_until(self._serves)
        self._check_doors(password)

    def _options(self, home: Path, uri: str) -> list[str]:
        options = ["--app-name", "basic-auth", "--backend-store-uri", uri, "--workers", "1"]
        options += ["--artifacts-destination", str(home / "artifacts"), "--uvicorn-opts", "--no-access-log"]
        options += ["--host", self._host, "--port", str(self._port)]
        if self._names:
            own = ["localhost:*", "127.0.0.1:*", "[[]::1]:*"]
            allowed = [*self._names, *(f"{name}:{self._port}" for name in self._names), *own]
            pages = [f"http://{name}:{self._port}" for name in self._names]
            pages += [f"https://{name}" for name in self._names]
            options += ["--allowed-hosts", ",".join(allowed), "--cors-allowed-origins", ",".join(pages)]
        return options

    def _refuse_if_taken(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            socket.create_server((self._host, self._port), family=family).close()
        except OSError as error:
            raise ServerError(f"{self._host}:{self._port} cannot be had ({error}): set PORT=") from None

    def _serves(self) -> bool:
        """Raises ServerError if somebody else came first: the password is for nobody else."""
        there = listening(self._port)
        if others := there - {pwd.getpwnam(self._user).pw_uid}:
            raise ServerError(f"port {self._port} was taken meanwhile, by the user of number {others.pop()}")
        return bool(there) and self._answer("") != 0

    def _answer(self, password: str) -> int:
        """Status of a page for those who are known; 0 if nobody answers."""
        line = http.client.HTTPConnection(ANYWHERE.get(self._host, self._host), self._port, timeout=10)
        known = base64.b64encode(f"admin:{password}".encode()).decode()
        try:
            headers = {"Authorization": f"Basic {known}"} if password else {}
            line.request("GET", "/api/2.0/mlflow/users/current", headers=headers | {"Host": "localhost:1"})
            return line.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()

    def _check_doors(self, password: str) -> None:
        """Strangers are refused, or nothing is served at all."""
        if (status := self._answer("")) != 401:
            raise ServerError(f"a call without a password was answered by {status}, not by 401")
        if self._answer(password) == 401:
            sys.stderr.write(
                "the admin's password has been changed in MLflow: write the new one into its file\n"
            )

    def _secret(self, name: str) -> str:
        """Drawn once."""
        folder = self._folder / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(file, "r+") as stream:
            known = stream.read().strip()
            if not known:
                known = secrets.token_urlsafe(32)
                stream.write(f"{known}\n")
        return known


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
