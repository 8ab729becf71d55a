"""Who may call what and why: the nation's rights as the ceiling, the provider's signed grants below it."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography.x509 import Certificate

from onedoor.kernel import durable
from onedoor.kernel.durable import append_durably, write_durably
from onedoor.kernel.errors import OnedoorError
from onedoor.signing import detached
from onedoor.signing.keys import Signer

ANY, SIGNATURE = "*", "signature"
GLOBAL, LOCAL = "GLOBALGROUP:", "LOCALGROUP:"
"""What the id of a group begins with where a client may stand: the nation's, ``GLOBALGROUP:VN/ministries``, and a
provider's own, ``LOCALGROUP:VN/GOV/G01/POPULATION/hospitals``."""
_STARS = re.compile(r"(?<!\\)\*\*?")
LONGEST = 400
"""Signs of a text that an operator enters, unless said otherwise."""
T = TypeVar("T")


class NotPlain(OnedoorError):
    """“{given}” cannot be entered: it is empty or too long, or has signs that are not printed. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Permission:
    """*client* may call *service* at *endpoints* (``POST /lookup``, globs) for *purposes* (``*`` for any).

    *client* is a subsystem or a group of them. *bases* are the ids of the laws that a right of the nation stands on;
    none are known of what an earlier version published, and of a grant.
    """

    client: str
    service: str
    purposes: tuple[str, ...]
    endpoints: tuple[str, ...]
    bases: tuple[str, ...] = field(default=(), compare=False)

    @property
    def provider(self) -> str:
        """Return the subsystem that provides the service."""
        return self.service.rpartition("/")[0]

    def covers(self, method: str, path: str, purpose: str) -> bool:
        """Return whether this permission reaches *method* and *path* for *purpose*."""
        if purpose not in self.purposes and ANY not in self.purposes:
            return False
        return _reached(self.endpoints, method, path)

    def data(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "client": self.client,
            "service": self.service,
            "purposes": list(self.purposes),
            "endpoints": list(self.endpoints),
        }

    def right(self) -> dict[str, Any]:
        """Return the JSON form of a right of the nation, as the configuration tells of it."""
        return {**self.data(), "bases": list(self.bases)} if self.bases else self.data()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Permission":
        """Return the permission in its JSON form; raise KeyError or TypeError when something is missing."""
        which, bases = (tuple(data["purposes"]), tuple(data["endpoints"])), tuple(data.get("bases", ()))
        return cls(data["client"], data["service"], *which, bases)


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
    """Permissions by subject and service, and which of *groups* (id → subsystems) a client is in."""

    def __init__(self, permissions: Iterable[Permission], groups: Mapping[str, Iterable[str]] | None = None) -> None:
        self._known: dict[tuple[str, str], list[Permission]] = {}
        for one in permissions:
            self._known.setdefault((one.client, one.service), []).append(one)
        self._groups: dict[str, list[str]] = {}
        for group, members in (groups or {}).items():
            for member in members:
                self._groups.setdefault(member, []).append(group)

    def __iter__(self) -> Iterator[Permission]:
        """Yield every permission."""
        return (one for known in self._known.values() for one in known)

    def covers(self, client: str, service: str, method: str, path: str, purpose: str) -> bool:
        """Return whether any permission of *client*, or of a group it is in, reaches this call."""
        return any(one.covers(method, path, purpose) for one in self._of(client, service))

    def bases(self, client: str, service: str, method: str, path: str, purpose: str) -> frozenset[str]:
        """Return the laws by which permissions reach this call; nothing when none does, or one names no law."""
        reaching = [one for one in self._of(client, service) if one.covers(method, path, purpose)]
        return frozenset(law for one in reaching for law in one.bases if all(two.bases for two in reaching))

    def opens(self, client: str, service: str, method: str, path: str) -> bool:
        """Return whether any permission reaches *path*, itself a glob, for some purpose."""
        example = sample(path)
        return any(one.purposes and _reached(one.endpoints, method, example) for one in self._of(client, service))

    def endpoints(self, client: str, service: str) -> list[tuple[str, str]]:
        """Return method and path glob of each endpoint that *client* has a permission for."""
        found = [one.partition(" ") for permission in self._of(client, service) for one in permission.endpoints]
        return [(method, path) for method, _, path in found]

    def _of(self, client: str, service: str) -> Iterable[Permission]:
        known = self._known.get((client, service), ())
        groups = self._groups.get(client)
        if not groups:
            return known
        return [*known, *(one for group in groups for one in self._known.get((group, service), ()))]


def endpoint_of(endpoints: Iterable[tuple[str, str]], method: str, path: str) -> str:
    """Return the path glob of the first of *endpoints* (method and glob) that *method* and *path* reach, or nothing."""
    known = (glob for allowed, glob in endpoints if allowed in (ANY, method))
    return next((glob for glob in known if _glob(glob).fullmatch(path)), "")


def sample(path: str) -> str:
    """Return a path that the glob *path* reaches."""
    return re.sub(r"\\(.)", r"\1", _STARS.sub(lambda found: "_/_" if found[0] == "**" else "_", path))


def write_grants(path: Path, grants: Iterable[Grant], key: Signer) -> None:
    """Write *grants* to *path*, one signed JSON line each, whole or not at all."""
    _write(path, "grant", [grant.data() for grant in grants], key)


def check_plain(*texts: str, longest: int = LONGEST) -> None:
    """Raise `NotPlain` unless each of *texts* can be entered, signed, published and shown."""
    for text in texts:
        if not text.isprintable() or not 0 < len(text) <= longest:
            raise NotPlain(given=ascii(text[:LONGEST])[1:-1])


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Change the grants in *folder* while nobody else does: what one reads is what it writes over.

    A member's second gateway has links to the files of the first, so the folder that counts is where they lie.
    """
    with durable.alone((folder / "grants.jsonl").resolve().parent):
        yield


def read_grants(path: Path, certificates: Sequence[Certificate]) -> tuple[list[Grant], list[str]]:
    """Return the grants at *path* that the key of one of *certificates* signed, and what is wrong with other lines."""
    return read_signed(path, "grant", certificates, _grant)


def write_groups(path: Path, groups: Mapping[str, Iterable[str]], key: Signer) -> None:
    """Write a provider's local groups (``LOCALGROUP:subsystem/code`` → subsystems) as grants are written."""
    _write(path, "group", [{"id": group, "members": sorted(members)} for group, members in groups.items()], key)


def read_groups(path: Path, certificates: Sequence[Certificate]) -> tuple[dict[str, frozenset[str]], list[str]]:
    """Return the local groups at *path* that one of *certificates* stands for, and what is wrong with other lines."""
    groups, wrong = read_signed(path, "group", certificates, _group)
    return dict(groups), wrong


def _write(path: Path, kind: str, records: Iterable[Mapping[str, Any]], key: Signer) -> None:
    lines = (json.dumps(signed(kind, record, key), ensure_ascii=False) for record in records)
    write_durably(path.resolve(), "".join(f"{line}\n" for line in lines).encode())


def signed(kind: str, record: Mapping[str, Any], key: Signer) -> dict[str, Any]:
    """Return *record* under the name of its *kind* with the signature of *key* over its canonical JSON."""
    data = _canonical(record)
    return {kind: json.loads(data), SIGNATURE: base64.b64encode(detached.sign(key, data)).decode()}


def append_signed(path: Path, kind: str, record: Mapping[str, Any], key: Signer) -> None:
    """Add *record*, signed as `signed` does, to the lines at *path*, as `append` does."""
    append(path, signed(kind, record, key))


def sign_anew(path: Path, kind: str, certificates: Sequence[Certificate], key: Signer) -> None:
    """Sign the lines at *path* that a key of *certificates* signed with *key*, that of the first; others stay."""
    raw = path.read_bytes() if path.exists() else b""
    found, wrong = read_lines(raw, kind, certificates, dict)
    if read_lines(raw, kind, certificates[:1], dict)[1].keys() == wrong.keys():
        return
    records = iter(found)
    lines = [
        line if number in wrong else json.dumps(signed(kind, next(records), key), ensure_ascii=False).encode()
        for number, line in enumerate(raw.removesuffix(b"\n").split(b"\n"), 1)
    ]
    write_durably(path.resolve(), b"".join(line + b"\n" for line in lines))


def append(path: Path, told: Mapping[str, Any]) -> None:
    """Add *told* to the lines at *path*, behind one that a crash tore off; durably, also where it is the first."""
    new, before_it = not path.exists(), path.read_bytes() if path.exists() else b""
    torn = b"\n" if before_it and not before_it.endswith(b"\n") else b""
    append_durably(path, torn + f"{json.dumps(told, ensure_ascii=False)}\n".encode())
    if new:
        durable.sync_folder(path.resolve().parent)


def verify(kind: str, told: Mapping[str, Any], certificate: Certificate) -> None:
    """Raise `BadSignature`, ValueError, KeyError or TypeError unless *certificate*'s key signed *told*, as `signed`."""
    detached.verify(certificate, _canonical(told[kind]), base64.b64decode(told[SIGNATURE], validate=True))


def _verify_by_one(kind: str, told: Mapping[str, Any], certificates: Sequence[Certificate]) -> None:
    """Raise as `verify` unless one of *certificates* fits: a member's present one, or those it had before."""
    for certificate in certificates[:-1]:
        with suppress(detached.BadSignature):
            verify(kind, told, certificate)
            return
    verify(kind, told, certificates[-1])


def read_signed(
    path: Path, kind: str, certificates: Sequence[Certificate], made: Callable[[Mapping[str, Any]], T]
) -> tuple[list[T], list[str]]:
    """Return what is *made* of each line at *path* that a key of *certificates* signed, and what is wrong in others."""
    found, wrong = read_lines(path.read_bytes() if path.exists() else b"", kind, certificates, made)
    return found, [f"{path.name}:{number}: {error}" for number, error in wrong.items()]


def read_lines(
    raw: bytes, kind: str, certificates: Sequence[Certificate], made: Callable[[Mapping[str, Any]], T]
) -> tuple[list[T], dict[int, str]]:
    """Return what is *made* of each line of *raw* as `read_signed` does, and by the number of each other its fault."""
    found, wrong = [], {}
    for number, line in enumerate(raw.removesuffix(b"\n").split(b"\n") if raw else (), 1):
        try:
            told = json.loads(line)
            _verify_by_one(kind, told, certificates)
            found.append(made(told[kind]))
        except (ValueError, KeyError, TypeError, detached.BadSignature) as error:
            wrong[number] = type(error).__name__
    return found, wrong


def _grant(data: Mapping[str, Any]) -> Grant:
    until = datetime.fromisoformat(data["until"]) if data["until"] else None
    return Grant(Permission.read(data), datetime.fromisoformat(data["since"]), until)


def _group(data: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    if not data["id"].startswith(LOCAL):
        raise ValueError("not a local group")
    return data["id"], frozenset(data["members"])


def _canonical(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _reached(endpoints: tuple[str, ...], method: str, path: str) -> bool:
    return any(allowed in (ANY, method) and glob.fullmatch(path) for allowed, glob in _read_endpoints(endpoints))


class _Pattern(Protocol):
    """What says whether a path is one of those that a glob reaches."""

    def fullmatch(self, path: str) -> object:
        """Return something true when *path* is reached."""


class _Steps:
    """A glob of *pieces* taken sign by sign at all its places at once: one bit of a number for each place.

    A path of n signs takes n steps, whatever the glob; a regular expression is faster where no star follows ``**``.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._end = 1 << len(pieces)
        self._signs: dict[str, int] = {}
        self._inside = self._everywhere = 0
        for place, piece in enumerate(pieces):
            if piece in ("*", "**"):
                self._everywhere |= (piece == "**") << place
                self._inside |= (piece == "*") << place
            else:
                self._signs[piece[-1]] = self._signs.get(piece[-1], 0) | 1 << place

    def fullmatch(self, path: str) -> object:
        """Return whether the glob reaches *path*."""
        stars = self._inside | self._everywhere
        places = 1 | (1 & stars) << 1
        for sign in path:
            staying = self._everywhere if sign == "/" else stars
            places = (places & self._signs.get(sign, 0)) << 1 | places & staying
            places |= (places & stars) << 1
        return bool(places & self._end)


@lru_cache(maxsize=4096)
def _read_endpoints(endpoints: tuple[str, ...]) -> list[tuple[str, _Pattern]]:
    """Return method and pattern of each endpoint."""
    split = [one.partition(" ") for one in endpoints]
    return [(method, _glob(glob)) for method, _, glob in split]


@lru_cache(maxsize=4096)
def _glob(glob: str) -> _Pattern:
    r"""Return the pattern of a path glob: ``*`` all but ``/``, ``**`` anything, ``\`` escapes ``*`` and itself.

    What lies between two ``**`` is taken where it first stands, and so is each text after a ``*``: no later place
    could serve better, so nothing is tried twice and no path is slow. A ``*`` after ``**`` could be: it goes by steps.
    """
    pieces: list[str] = []
    for piece in re.findall(r"\*\*|\*|\\[*\\]|.", glob, re.DOTALL):
        starred = piece[0] == "*" and pieces and pieces[-1] in ("*", "**")
        if starred:  # two stars beside each other are the wider of them
            pieces[-1] = max(pieces[-1], piece)
        else:
            pieces.append(piece)
    if "**" in pieces and "*" in pieces[pieces.index("**") :]:
        return _Steps(pieces)
    parts: list[list[str]] = [[""]]
    for piece in pieces:
        if piece == "**":
            parts.append([""])
        elif piece == "*":
            parts[-1].append("")
        else:
            parts[-1][-1] += re.escape(piece[-1])
    *before, last = parts
    end = _starred(last[:-1]) + "[^/]*" + last[-1] if len(last) > 1 else last[0]
    if not before:
        return re.compile(end, re.DOTALL)
    first, *middle = (_starred(part) for part in before)
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + end, re.DOTALL)


def _starred(texts: Sequence[str]) -> str:
    """Return the pattern of *texts* with a star between each two."""
    return texts[0] + "".join(f"(?>[^/]*?{text})" for text in texts[1:])
