"""An installation of services: what each process is told lies in a file, and PostgreSQL is the operator's."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onedoor.kernel import nation as nations
from onedoor.kernel.errors import OnedoorError
from onedoor.site import lock, settings_files
from onedoor.site.databases import Database
from onedoor.site.installation import Installation, System
from onedoor.site.up.plan import DATABASE_URL, OWN, SECRET, VERSIONS, Part, database_of, secrets_of

NATION, STATE = "ONEDOOR_NATION", "ONEDOOR_STATE"
PROCESSES = ("directory", "gateway-", "node-", "portal-web", "portal-worker", "witness")
"""How the processes are called whose settings are known: each has a file of its name."""


class StateElsewhere(OnedoorError):
    """The settings of {name} name {state} for its state, which is not in {var}. Please name its folder with --var."""


class DatabaseSilent(OnedoorError):
    """The database of {name} does not answer at the address in {file}. Please start PostgreSQL, or correct that address."""  # noqa: E501


class DatabaseFilled(OnedoorError):
    """The database of {name} is not empty; a restore overwrites nothing. Please make it an empty one."""


class NoSettings(OnedoorError):
    """The backup holds the database {name}, and no settings in {settings} are for it. Please put its file of settings there."""  # noqa: E501


class KeptByServices(OnedoorError):
    """The processes in {var} are services of this computer, which starts them anew: “systemctl restart {unit}” for instance."""  # noqa: E501


class Services(Installation):
    """Processes that the computer's services start, each with the file of *settings* that has its name."""

    renews = False

    def __init__(self, var: Path, settings: Path) -> None:
        self.var = var
        self.settings = settings
        self.environments = {path.stem: read(path, var) for path in files_of(settings)}
        for name, environment in self.environments.items():
            state = Path(environment[STATE])
            if state.parent != var:
                raise StateElsewhere(name=name, state=state, var=var)

    @property
    def nation(self) -> Path:
        """Return the folder of what is in force for the first process that has a nation."""
        given = next((one[NATION] for one in self.environments.values() if NATION in one), self.var / VERSIONS)
        return nations.in_force(Path(given))

    def systems(self) -> list[System]:
        """Return those with settings here."""
        found: dict[str, System] = {}
        for name, environment in self.environments.items():
            if called := database_of(name):
                secret = environment.get(f"{SECRET}_FILE")
                database = Database(called, _told(environment, DATABASE_URL))
                found[called] = System(Path(environment[STATE]), database, Path(secret) if secret else None)
        return list(found.values())

    def running(self) -> dict[str, Any]:
        """Return where each process is watched: whether it runs, it says itself."""
        return {"processes": {name: _watched(own) for name, own in self.environments.items()}}

    def processes(self) -> list[Part]:
        """Return all: they should run."""
        return [Part(name, (), dict(own), "", health=False) for name, own in self.environments.items()]

    def silent(self) -> Iterator[OnedoorError]:
        """Look at each."""
        for system in self.systems():
            if not system.database.answers():
                file = self.environment(system).get(f"{DATABASE_URL}_FILE", DATABASE_URL)
                yield DatabaseSilent(name=system.name, file=file)

    def environment(self, system: System) -> Mapping[str, str]:
        """Return the settings in its file, and nothing else that stands there, above this computer's environment."""
        own = next(own for name, own in self.environments.items() if database_of(name) == system.database.name)
        ours = {name: value for name, value in own.items() if name.startswith(OWN)}
        return {name: value for name, value in os.environ.items() if not name.startswith(OWN)} | ours

    @contextmanager
    def answering(self, work: str) -> Iterator[None]:
        """Hold off other commands; the services go on running."""
        with lock.held(self.var, work), self.started():
            yield

    @contextmanager
    def started(self) -> Iterator[None]:
        """See that each does; nothing is started."""
        for why in self.silent():
            raise why
        yield

    def empty_database(self, name: str) -> Database:
        """Return the one that the operator made."""
        found = next((one for one in self.systems() if one.database.name == name), None)
        if not found:
            raise NoSettings(name=name, settings=self.settings)
        if not found.database.is_empty():
            raise DatabaseFilled(name=found.name)
        return found.database

    def settings_files(self) -> Iterator[tuple[Path, Path]]:
        """Yield the files of settings and those of secrets; the addresses of databases are their operator's."""
        secrets = [one.secret for one in self.systems() if one.secret and not one.secret.is_relative_to(self.var)]
        for path in (*files_of(self.settings), *secrets):
            if path.is_relative_to(self.settings):
                yield path, path.relative_to(self.settings)

    def renewable(self) -> list[str]:
        """Refuse: the service manager starts and stops them, and knows how."""
        raise KeptByServices(var=self.var, unit=unit_of(next(iter(self.environments))))

    def log_of(self, name: str) -> str:
        """Return the command that shows it."""
        return f"journalctl -u {unit_of(name)}"


def files_of(settings: Path) -> Sequence[Path]:
    """Return the files of *settings* of processes."""
    return [path for path in sorted(settings.glob("*.env")) if path.name.startswith(PROCESSES)]


def read(path: Path, var: Path) -> dict[str, str]:
    """Return the settings of the process that the file at *path* is named after.

    What it leaves open is as the units for systemd set it: the role and the member by its name, the state in *var*, the
    secrets in a folder beside the file.
    """
    given, name = settings_files.read(path), path.stem
    kind, _dash, member = name.partition("-")
    system = kind if kind == "portal" else name
    own = {"ONEDOOR_ROLE": kind, STATE: str(var / system)}
    if kind != "witness":
        own[NATION] = str(var / VERSIONS)
    if member and kind != "portal":
        own["ONEDOOR_MEMBER"] = member
    if database_of(name):
        files = secrets_of(path.parent / system)
        own |= {key: file for key, file in files.items() if key.removesuffix("_FILE") not in given}
    return own | given


def unit_of(name: str) -> str:
    """Return what systemd calls the process *name*."""
    kind, dash, member = name.partition("-")
    return f"onedoor-{kind}@{member}" if dash and kind != "portal" else f"onedoor-{name}"


def _watched(environment: Mapping[str, str]) -> dict[str, str]:
    return {"watch": environment.get("ONEDOOR_WATCH_LISTEN", ""), "token": _told(environment, "ONEDOOR_WATCH_TOKEN")}


def _told(environment: Mapping[str, str], name: str) -> str:
    """Return the secret *name*, given itself or as a file; nothing when it is not given or cannot be read."""
    file = environment.get(f"{name}_FILE")
    try:
        return environment.get(name) or (Path(file).read_text("utf-8").strip() if file else "")
    except OSError:
        return ""
