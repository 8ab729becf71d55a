"""What runs for a nation: every process with its command, its environment and how to tell that it is ready."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onedoor.exchange.directory import lab
from onedoor.kernel.nation import Nation
from onedoor.kernel.nation.versions import HISTORY
from onedoor.site.embedded import Server

OWN = "ONEDOOR_"
VERSIONS = "versions"
ORDER = ("directory", "gateway-", "node-", "portal-worker", "portal-web")
SYSTEMS = ("node-", "portal-")


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
    def watch(self) -> str:
        """Return where this process is watched."""
        return self.environment.get("ONEDOOR_WATCH_LISTEN", "")

    @property
    def ports(self) -> list[int]:
        """Return every port this process listens on."""
        return _ports(self.name, self.environment)


def ports(nation: Nation, options: Options) -> list[int]:
    """Return every port that the processes of *nation* will listen on; nothing is made for that."""
    environments = lab.environments(nation, options.var, options.port)
    return [port for name, own in environments.items() for port in _ports(name, own)]


def _ports(name: str, environment: Mapping[str, str]) -> list[int]:
    names = ("ONEDOOR_LISTEN", "ONEDOOR_WATCH_LISTEN", "ONEDOOR_EXCHANGE_LISTEN")
    taken = {"portal-web": names[:2], "portal-worker": names[1:]}.get(name, names)
    return [int(environment[key].rpartition(":")[2]) for key in taken if key in environment]


def database_of(name: str) -> str:
    """Return the database of the process *name*: web and worker of the portal share one."""
    if not name.startswith(SYSTEMS):
        return ""
    return "portal" if name.startswith("portal-") else name.lower().replace("-", "_")


def parts(options: Options, nation: Nation, server: Server) -> list[Part]:
    """Return every Python process of *nation* in the order in which they start."""
    environments = lab.environments(nation, options.var, options.port)
    found = [_part(name, own, options, server) for name, own in environments.items()]
    return sorted(found, key=lambda part: (next(n for n, o in enumerate(ORDER) if part.name.startswith(o)), part.name))


def _part(name: str, own: dict[str, str], options: Options, server: Server) -> Part:
    kind = name.partition("-")[0]
    command = name.removeprefix("portal-") if kind == "portal" else kind
    files = options.versions if (options.versions / HISTORY).exists() else options.nation
    settings = own | {
        "ONEDOOR_NATION": str(files),
        "ONEDOOR_DEMONSTRATION": "yes",
        "ONEDOOR_LOG_LEVEL": options.log_level,
    }
    if database := database_of(name):
        settings |= _secrets(Path(own["ONEDOOR_STATE"]), server.url(database))
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


def _secrets(state: Path, url: str) -> dict[str, str]:
    """Keep this system's secrets in files only it can read, and return the settings that name them."""
    files = {"ONEDOOR_SECRET": (state / "secret", ""), "ONEDOOR_DATABASE_URL": (state / "database-url", url)}
    for path, content in files.values():
        if not path.exists() or (content and path.read_text() != content):
            write_private(path, content or secrets.token_urlsafe(48))
    return {f"{name}_FILE": str(path) for name, (path, _) in files.items()}


def write_private(path: Path, content: str) -> None:
    """Write *content* to *path*, readable by its owner alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content)
    draft.replace(path)


def systems(found: list[Part]) -> Iterator[Part]:
    """Yield one process for each database of *found*."""
    seen: set[str] = set()
    for part in found:
        if part.database and part.database not in seen:
            seen.add(part.database)
            yield part
