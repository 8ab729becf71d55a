"""What runs for a nation: every process with its command, its environment and how to tell that it is ready."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onedoor.exchange.directory import lab
from onedoor.kernel.durable import write_durably
from onedoor.kernel.nation import Nation
from onedoor.kernel.nation.versions import HISTORY
from onedoor.site.embedded import Server

OWN = "ONEDOOR_"
VERSIONS = "versions"
ORDER = ("directory", "gateway-", "node-", "portal-worker", "portal-web")
SYSTEMS = ("node", "portal")
SECRET, DATABASE_URL = "ONEDOOR_SECRET", "ONEDOOR_DATABASE_URL"
POLICY, LEDGERS = "ONEDOOR_LEDGER_POLICY", "ledgers"
"""What names the ledgers that a directory takes checkpoints of, and the file in its folder that does."""
SECRETS = {SECRET: "secret", DATABASE_URL: "database-url"}
"""What a system is told in files of its own, and their names."""


@dataclass(frozen=True)
class Options:
    """What ``onedoor up`` was asked for."""

    nation: Path
    var: Path
    port: int
    people: int
    seed: int
    log_level: str = "info"

    @property
    def versions(self) -> Path:
        """Return the folder that keeps every version of the nation's files."""
        return self.var / VERSIONS


@dataclass(frozen=True)
class Part:
    """One process: *address* answers (over HTTP at ``/health`` if *health*) when it is ready."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    address: str
    health: bool

    @property
    def database(self) -> str:
        """Return the name of this process's database and role; empty when it has none."""
        return database_of(self.name)

    @property
    def publishes(self) -> bool:
        """Return whether this process publishes the ledger of its system."""
        return publishes(self.name)

    @property
    def watch(self) -> str:
        """Return where this process is watched."""
        return self.environment.get("ONEDOOR_WATCH_LISTEN", "")

    @property
    def addresses(self) -> list[str]:
        """Return every host and port this process listens on."""
        return _addresses(self.name, self.environment)

    @property
    def ports(self) -> list[int]:
        """Return every port this process listens on."""
        return [_port(address) for address in self.addresses]


def ports(nation: Nation, options: Options) -> list[int]:
    """Return every port that the processes of *nation* will listen on; nothing is made for that."""
    environments = lab.environments(nation, options.var, options.port)
    return [_port(address) for name, own in environments.items() for address in _addresses(name, own)]


def _addresses(name: str, environment: Mapping[str, str]) -> list[str]:
    names = ("ONEDOOR_LISTEN", "ONEDOOR_WATCH_LISTEN", "ONEDOOR_EXCHANGE_LISTEN")
    taken = {"portal-web": names[:2], "portal-worker": names[1:]}.get(name, names)
    return [environment[key] for key in taken if key in environment]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def publishes(name: str) -> bool:
    """Return whether the process *name* publishes the ledger of its system."""
    return name == "portal-web" or name.startswith("node-")


def database_of(name: str) -> str:
    """Return the database of the system or process *name*: web and worker of the portal share one."""
    kind = name.partition("-")[0]
    if kind not in SYSTEMS:
        return ""
    return "portal" if kind == "portal" else name.lower().replace("-", "_")


def parts(options: Options, nation: Nation, server: Server | None) -> list[Part]:
    """Return every Python process of *nation* in the order in which they start; those with a database need *server*."""
    environments = lab.environments(nation, options.var, options.port)
    found = [_part(name, own, options, server) for name, own in environments.items()]
    return sorted(found, key=lambda part: (next(n for n, o in enumerate(ORDER) if part.name.startswith(o)), part.name))


def _part(name: str, own: dict[str, str], options: Options, server: Server | None) -> Part:
    kind = name.partition("-")[0]
    command = name.removeprefix("portal-") if kind == "portal" else kind
    files = options.versions if (options.versions / HISTORY).exists() else options.nation
    settings = own | {
        "ONEDOOR_NATION": str(files),
        "ONEDOOR_DEMONSTRATION": "yes",
        "ONEDOOR_LOG_LEVEL": options.log_level,
    }
    if server and (database := database_of(name)):
        state = Path(own["ONEDOOR_STATE"])
        keep_secret(state)
        _keep_url(state, server.url(database))
        settings |= secrets_of(state)
    if name == "directory":
        settings[POLICY] = str(Path(own["ONEDOOR_STATE"]) / LEDGERS)
    listen = "ONEDOOR_EXCHANGE_LISTEN" if name == "portal-worker" else "ONEDOOR_LISTEN"
    return Part(
        name=name,
        command=(sys.executable, "-m", "onedoor.site", command),
        environment={k: v for k, v in os.environ.items() if not k.startswith(OWN)} | _lean() | settings,
        address=settings[listen],
        health=name == "portal-web" or kind == "node",
    )


def _lean() -> dict[str, str]:
    """Return what keeps a Python process small: few arenas of memory, no bytecode of assertions."""
    return {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072", "PYTHONUNBUFFERED": "1"}


def secrets_of(folder: Path) -> dict[str, str]:
    """Return the settings that name the files of a system's secrets in *folder*."""
    return {f"{name}_FILE": str(folder / file) for name, file in SECRETS.items()}


def keep_secret(state: Path) -> None:
    """Make the secret of the system in *state*, unless it has one."""
    path = state / SECRETS[SECRET]
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))


def _keep_url(state: Path, url: str) -> None:
    path = state / SECRETS[DATABASE_URL]
    if not path.exists() or path.read_text() != url:
        write_private(path, url)


def write_private(path: Path, content: str) -> None:
    """Write *content* to *path*, readable by its owner alone, whole or not at all, also over a crash."""
    write_durably(path, content.encode())


def systems(found: list[Part]) -> Iterator[Part]:
    """Yield one process for each database of *found*."""
    seen: set[str] = set()
    for part in found:
        if part.database and part.database not in seen:
            seen.add(part.database)
            yield part
