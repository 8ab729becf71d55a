"""An installation of ``onedoor up``: a PostgreSQL of its own, a supervisor that wrote down what runs."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from onedoor.exchange.directory import lab
from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.nation.versions import HISTORY
from onedoor.site import kinds, lock
from onedoor.site.cli import DEFAULT_NATION
from onedoor.site.databases import Database
from onedoor.site.embedded import Server
from onedoor.site.installation import Installation, NothingRuns, System
from onedoor.site.up import requests
from onedoor.site.up.plan import SECRET, SECRETS, VERSIONS, Options, Part, database_of, parts, systems
from onedoor.site.up.supervisor import RECORD


class BetweenTwo(OnedoorError):
    """The nation in {var} is just starting or stopping: its database does not answer. Please try again in a minute."""


class PostgresSilent(OnedoorError):
    """PostgreSQL does not answer in {home}. Please look at the end of its log, {log}, and start the nation again."""


class Supervised(Installation):
    """An installation of ``onedoor up``."""

    renews = True

    def __init__(self, var: Path, nation: Path | None = None) -> None:
        self.var = var
        self.server = Server(var / "postgres")
        self._nation = nation

    @property
    def nation(self) -> Path:
        """Return the folder that was named, or what is in force here."""
        kept = self.var / VERSIONS
        return self._nation or (nations.in_force(kept) if (kept / HISTORY).exists() else DEFAULT_NATION.absolute())

    def running(self) -> dict[str, Any]:
        """Return what the supervisor wrote down; one that was killed left it behind."""
        try:
            found = dict(json.loads((self.var / RECORD).read_text()))
        except FileNotFoundError:
            raise NothingRuns(var=self.var) from None
        if not Path(f"/proc/{found['pid']}").exists():
            raise NothingRuns(var=self.var)
        return found

    def systems(self) -> list[System]:
        """Return those that have a folder and, as far as the server says so, a database."""
        states = [one for one in sorted(self.var.iterdir()) if one.is_dir() and database_of(one.name)]
        known = self.server.databases() if self.server.answers() else None
        found = [(state, database_of(state.name)) for state in states]
        return [
            System(state, Database(name, self.server.url(name)), state / SECRETS[SECRET])
            for state, name in found
            if known is None or name in known
        ]

    def processes(self) -> list[Part]:
        """Return those of a nation that runs."""
        port = int(self.running()["port"])
        kinds.load()
        environments = lab.environments(nations.load(self.nation), self.var, port)
        return [Part(name, (), environment, "", health=False) for name, environment in environments.items()]

    def silent(self) -> Iterator[OnedoorError]:
        """Look at the one server that holds them all."""
        if not self.server.answers():
            yield PostgresSilent(home=self.server.home, log=self.server.log)

    def environment(self, system: System) -> Mapping[str, str]:
        """Return that of the process which has the database; what it lacks of secrets is made."""
        return self._environments[system.database.name]

    @cached_property
    def _environments(self) -> Mapping[str, Mapping[str, str]]:
        kinds.load()
        options = Options(nation=self.nation, var=self.var, port=8000, people=0, seed=0, log_level="warning")
        found = systems(parts(options, nations.load(options.nation), self.server))
        return {one.database: one.environment for one in found}

    @contextmanager
    def answering(self, work: str) -> Iterator[None]:
        """Take the database of a nation that runs, or start it for this while."""
        with ExitStack() as stack:
            try:
                stack.enter_context(lock.held(self.var, work))
            except lock.AlreadyRunning:
                if not self.server.answers():
                    raise BetweenTwo(var=self.var) from None
            else:
                stack.enter_context(self.started())
            yield

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start the server, unless it runs; what we start ends with us, however that is."""
        server = self.server
        if server.answers():
            yield
            return
        command = server.command(parent=os.getpid())
        with server.log.open("ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
        try:
            server.wait()
            yield
        finally:
            child.send_signal(signal.SIGINT)
            child.wait()

    def empty_database(self, name: str) -> Database:
        """Make it."""
        return Database(name, self.server.ensure_database(name))

    def settings_files(self) -> Iterator[tuple[Path, Path]]:
        """Yield none: the supervisor makes them."""
        yield from ()

    def renewable(self) -> list[str]:
        """Return those that run, without what others depend on."""
        return [name for name in self.running()["processes"] if name not in requests.NEVER]

    def log_of(self, name: str) -> str:
        """Return the file."""
        return str(self.var / "log" / f"{name}.log")
