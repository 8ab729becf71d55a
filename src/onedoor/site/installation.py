"""What of a nation runs on this computer: which processes with which settings, their states and their databases.

`at` finds it, whoever started it: ``onedoor up``, which has a PostgreSQL of its own and keeps the processes running, or
the computer's services, whose settings lie in files and whose PostgreSQL is the operator's.
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onedoor.kernel.errors import OnedoorError
from onedoor.site.cli import DEFAULT_VAR
from onedoor.site.databases import Database
from onedoor.site.up.plan import Part


class NoInstallation(OnedoorError):
    """There is no installation in {var}. Please name its folder with --var and, when its processes are services, the folder of their settings with --settings."""  # noqa: E501 - one sentence after the other


class NothingRuns(OnedoorError):
    """No nation runs in {var}. Start one with “make run” or “onedoor up”."""


@dataclass(frozen=True)
class System:
    """The portal or a node: its *state*, the *database*, the file of its *secret* unless that is set elsewhere."""

    state: Path
    database: Database
    secret: Path | None

    @property
    def name(self) -> str:
        """Return what it is called, such as ``node-G15``."""
        return self.state.name


class Installation(ABC):
    """What runs on this computer, its states in *var*."""

    var: Path
    renews: bool
    """Whether certificates are renewed when it starts."""

    @property
    @abstractmethod
    def nation(self) -> Path:
        """Return the folder of the nation's files."""

    @abstractmethod
    def systems(self) -> list[System]:
        """Return the portal and the nodes."""

    @abstractmethod
    def processes(self) -> list[Part]:
        """Return every process that should run, with its settings; raise `NothingRuns` when none should."""

    @abstractmethod
    def running(self) -> dict[str, Any]:
        """Return what is known of each process under ``processes``: where it is watched, with a supervisor its pid.

        Raise `NothingRuns`.
        """

    @abstractmethod
    def silent(self) -> Iterator[OnedoorError]:
        """Yield what is to be said of databases that do not answer."""

    @abstractmethod
    def environment(self, system: System) -> Mapping[str, str]:
        """Return the environment in which a command works as *system* does."""

    @abstractmethod
    def answering(self, work: str) -> AbstractContextManager[None]:
        """Have every database answer, and nobody else work here meanwhile, while ``onedoor`` *work* does."""

    @abstractmethod
    def started(self) -> AbstractContextManager[None]:
        """Have every database answer, who calls being alone here."""

    @abstractmethod
    def empty_database(self, name: str) -> Database:
        """Return the database *name*, in which there is nothing yet."""

    @abstractmethod
    def settings_files(self) -> Iterator[tuple[Path, Path]]:
        """Yield the files outside the states that a restore needs, each with its place below a folder of settings."""

    @abstractmethod
    def renewable(self) -> list[str]:
        """Return the names of the processes that can be asked to start anew; raise `KeptByServices`."""

    @abstractmethod
    def log_of(self, name: str) -> str:
        """Return where the log of the process *name* is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which installation."""
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of the installation")
    parser.add_argument("--settings", type=Path, help="folder of the files of settings of services, else --var")


def at(var: Path, settings: Path | None = None, nation: Path | None = None) -> Installation:
    """Return the installation in *var*; its processes are services when there are files of their settings.

    These lie in *settings*, or in *var* as ``onedoor provision`` writes them. Raise `NoInstallation`.
    """
    from onedoor.site.services import Services, files_of
    from onedoor.site.up.supervised import Supervised

    var, folder = var.absolute(), (settings or var).absolute()
    if files_of(folder):
        return Services(var, folder)
    if settings is None and (var / "postgres" / "data").is_dir():
        return Supervised(var, nation.absolute() if nation else None)
    raise NoInstallation(var=var)
