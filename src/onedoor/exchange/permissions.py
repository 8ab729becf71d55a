"""Who may call what and why: the nation's rights as the ceiling, the provider's signed grants below it."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from onedoor.signing import detached
from onedoor.signing.keys import PrivateKey

ANY = "*"


@dataclass(frozen=True, slots=True)
class Permission:
    """*client* may call *service* at *endpoints* (``POST /lookup``, globs) for *purposes* (``*`` for any)."""

    client: str
    service: str
    purposes: tuple[str, ...]
    endpoints: tuple[str, ...]

    def covers(self, method: str, path: str, purpose: str) -> bool:
        """Return whether this permission reaches *method* and *path* for *purpose*."""
        if ANY not in self.purposes and purpose not in self.purposes:
            return False
        return any(_reaches(endpoint, method, path) for endpoint in self.endpoints)

    def data(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "client": self.client,
            "service": self.service,
            "purposes": list(self.purposes),
            "endpoints": list(self.endpoints),
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Permission":
        """Return the permission in its JSON form; raise KeyError or TypeError when something is missing."""
        return cls(data["client"], data["service"], tuple(data["purposes"]), tuple(data["endpoints"]))


@dataclass(frozen=True, slots=True)
class Grant:
    """A provider's decision: *permission* from *since* until *until* (never when None)."""

    permission: Permission
    since: datetime
    until: datetime | None

    def data(self) -> dict[str, Any]:
        """Return the JSON form that is signed."""
        until = self.until.isoformat() if self.until else None
        return {**self.permission.data(), "since": self.since.isoformat(), "until": until}

    def in_force(self, moment: datetime) -> bool:
        """Return whether the grant stands at *moment*."""
        return self.since <= moment and (self.until is None or moment < self.until)


class Permissions:
    """Permissions by client and service."""

    def __init__(self, permissions: Iterable[Permission]) -> None:
        self._known: dict[tuple[str, str], list[Permission]] = {}
        for one in permissions:
            self._known.setdefault((one.client, one.service), []).append(one)

    def covers(self, client: str, service: str, method: str, path: str, purpose: str) -> bool:
        """Return whether any permission reaches this call."""
        return any(one.covers(method, path, purpose) for one in self._known.get((client, service), ()))

    def services_of(self, client: str) -> frozenset[str]:
        """Return the services *client* has any permission for."""
        return frozenset(service for who, service in self._known if who == client)


def write_grants(path: Path, grants: Iterable[Grant], key: PrivateKey) -> None:
    """Write *grants* to *path*, one signed JSON line each, whole or not at all."""
    lines = []
    for grant in grants:
        data = _canonical(grant.data())
        signature = base64.b64encode(detached.sign(key, data)).decode()
        lines.append(json.dumps({"grant": json.loads(data), "signature": signature}, ensure_ascii=False))
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    draft.replace(path)


def read_grants(path: Path, certificate: Certificate) -> tuple[list[Grant], list[str]]:
    """Return the grants at *path* that *certificate*'s key signed, and what is wrong with the other lines."""
    grants, wrong = [], []
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else (), 1):
        try:
            grants.append(_read_grant(json.loads(line), certificate))
        except (ValueError, KeyError, TypeError, detached.BadSignature) as error:
            wrong.append(f"{path.name}:{number}: {type(error).__name__}")
    return grants, wrong


def _read_grant(line: Mapping[str, Any], certificate: Certificate) -> Grant:
    data = line["grant"]
    detached.verify(certificate, _canonical(data), base64.b64decode(line["signature"], validate=True))
    until = datetime.fromisoformat(data["until"]) if data["until"] else None
    return Grant(Permission.read(data), datetime.fromisoformat(data["since"]), until)


def _canonical(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _reaches(endpoint: str, method: str, path: str) -> bool:
    allowed, _, glob = endpoint.partition(" ")
    return allowed in (ANY, method) and _glob(glob).fullmatch(path) is not None


@lru_cache(maxsize=4096)
def _glob(glob: str) -> re.Pattern[str]:
    r"""Return the pattern of a path glob: ``*`` all but ``/``, ``**`` anything, ``\`` escapes the next sign."""
    pieces: Sequence[str] = re.findall(r"\*\*|\*|\\.|[^*\\]+", glob, re.DOTALL)
    meaning = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(meaning.get(piece) or re.escape(piece.removeprefix("\\")) for piece in pieces))
