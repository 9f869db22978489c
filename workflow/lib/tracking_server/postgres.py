"""PostgreSQL of one's own: in a folder, on a socket there, on no port."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from workflow.lib.tracking_server.servants import IS_ROOT, Servants, ServerError, install

PLACE = Path("/usr/lib/postgresql")
"""Where Debian has its programs, by version."""
MAKES = Path("/etc/postgresql-common/createcluster.d/sdetr.conf")
SOCKET, LONGEST = ".s.PGSQL.5432", 107
UNLESS = (
    """SELECT 'CREATE {kind} "{name}" {rest}' WHERE NOT EXISTS """
    "(SELECT FROM {table} WHERE {column} = '{name}') \\gexec\n"
)


@contextmanager
def _without_a_cluster() -> Iterator[None]:
    """Debian would make one, and serve it on port 5432 from now on."""
    MAKES.parent.mkdir(parents=True, exist_ok=True)
    MAKES.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        MAKES.unlink()


class Postgres:
    """Whoever connects is who the socket says: there is no password that could be read or guessed."""

    def __init__(self, servants: Servants, folder: Path, user: str) -> None:
        """`user` of the machine: keeps the data, and may do everything in them."""
        self._servants, self._folder, self._user = servants, folder, user
        self._data, self._socket = folder / "data" / "main", folder / "socket"

    def uri(self, database: str) -> str:
        return f"postgresql:///{database}?host={quote(str(self._socket))}"

    def start(self, owner: str, databases: tuple[str, ...]) -> None:
        """Databases of another user of the machine, made if they are missing. Raises ServerError."""
        if len(str(self._socket / SOCKET)) > LONGEST:
            raise ServerError(f"{self._folder} is too long for a socket's path: set SDETR_TRACKING_DIR")
        programs = self._programs()
        self._servants.own("socket", self._user, 0o711 if IS_ROOT else 0o700)
        self._make(programs)
        self._forget()
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self._socket}"]
        self._servants.serve("postgresql", self._user, [programs / "postgres", "-D", self._data, *settings])
        at = ("-h", self._socket, "-d", "postgres")
        self._servants.wait_until(lambda: self._servants.can(self._user, programs / "pg_isready", *at))
        wanted = UNLESS.format(kind="ROLE", name=owner, rest="LOGIN", table="pg_roles", column="rolname")
        for name in databases:
            rest = f'OWNER "{owner}"'
            wanted += UNLESS.format(
                kind="DATABASE", name=name, rest=rest, table="pg_database", column="datname"
            )
        self._servants.run(self._user, programs / "psql", *at, "-v", "ON_ERROR_STOP=1", said=wanted)

    def _programs(self) -> Path:
        """Of the version that made the data, or of the latest."""
        made = self._data / "PG_VERSION"
        version = "".join(filter(str.isdigit, made.read_text())) if made.exists() else ""
        if not (found := _installed(version)):
            with _without_a_cluster():
                install(f"postgresql-{version}" if version else "postgresql")
            found = _installed(version)
        if not found:
            raise ServerError(f"no PostgreSQL {version} in {PLACE}")
        return found

    def _make(self, programs: Path) -> None:
        new = self._servants.own("data", self._user) / "new"
        if self._data.exists():
            return
        shutil.rmtree(new, ignore_errors=True)  # half made by one that was killed
        words = ["-E", "UTF8", "--locale=C.UTF-8", "--auth-local=peer", "--auth-host=reject"]
        self._servants.run(self._user, programs / "initdb", "-D", new, *words)
        new.rename(self._data)

    def _forget(self) -> None:
        """Locks of one that is dead. PostgreSQL takes any process of that number for it, even a zombie."""
        for lock in (self._data / "postmaster.pid", self._socket / f"{SOCKET}.lock"):
            if lock.exists():
                words = Path("/proc", lock.read_text().partition("\n")[0], "cmdline")
                if not words.exists() or str(self._data).encode() not in words.read_bytes().split(b"\0"):
                    lock.unlink()


def _installed(version: str) -> Path | None:
    found = [path.parent for path in PLACE.glob(f"{version or '*'}/bin/initdb")]
    if not found and (elsewhere := shutil.which("initdb")):
        return Path(elsewhere).resolve().parent
    return max(found, key=lambda path: float(path.parent.name), default=None)
