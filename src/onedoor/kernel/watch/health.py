"""Whether a process lives and can work: what it depends on, each with its state."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from onedoor.kernel import fetching
from onedoor.kernel.said import said

PATIENCE = 2.0
"""Seconds a look may take; each keeps to it by itself."""
UNUSABLE = said("it cannot be used")


class Failing(Exception):
    """A dependency that is not well: *why* are constant words, a gettext key; *of* says whom they are about."""

    def __init__(self, why: str, of: str = "") -> None:
        self.why, self.of = why, of
        super().__init__(f"{why}: {of}" if of else why)

    def said(self) -> dict[str, str]:
        """Return it for JSON."""
        return {"why": self.why} | ({"of": self.of} if self.of else {})


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something a process depends on: *look* raises when it is not well; what is not *needed* only limits it."""

    name: str
    look: Callable[[], object]
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """How one process is: *alive* raises when it should be started anew."""

    role: str
    member: str
    dependencies: Sequence[Dependency] = ()
    alive: Callable[[], object] = bool

    def live(self) -> dict[str, Any]:
        """Say whether the process itself goes on."""
        why = _why(self.alive)
        return self._said("failing" if why else "ok") | (why.said() if why else {})

    def ready(self) -> dict[str, Any]:
        """Say whether the process can work: ``ok``, ``limited`` or ``failing``, and how each dependency is."""
        found = {one.name: _state(one, _why(one.look)) for one in self.dependencies}
        broken = [one for one in found.values() if one["state"] == "failing"]
        worst = "failing" if any(one["needed"] for one in broken) else "limited" if broken else "ok"
        live = self.live()
        return live | {"status": worst if live["status"] == "ok" else "failing", "dependencies": found}

    def _said(self, status: str) -> dict[str, Any]:
        return {"status": status, "role": self.role, "member": self.member}


def _state(one: Dependency, why: Failing | None) -> dict[str, Any]:
    return {"state": "failing" if why else "ok", "needed": one.needed} | (why.said() if why else {})


def answers(address: str) -> None:
    """Connect to *address* and close; raise `Failing` when nothing listens there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        raise Failing(fetching.why(error, UNUSABLE)) from error


def _why(look: Callable[[], object]) -> Failing | None:
    """Return why *look* fails, or nothing; only words of ours are repeated, of another error its type alone."""
    try:
        look()
    except Failing as failing:
        return failing
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a dependency is its state, not ours
        return Failing(UNUSABLE, type(error).__name__)
    return None
