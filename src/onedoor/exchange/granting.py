"""A provider's own decisions on who may call its services, and what others ask of it: signed, and kept.

An ask is a file that the client's gateway signs, and keeps in its `ASKS`; the provider's decision on it stands in its
`DECISIONS`, signed as its grants are, with the ask as it came. A decision is there before what it grants.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from onedoor.exchange import permissions
from onedoor.exchange.configuration import Configuration
from onedoor.exchange.gateway import local, published
from onedoor.exchange.identifiers import ENDPOINT
from onedoor.exchange.permissions import SIGNATURE, Grant, Permission, Permissions, alone, check_plain
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.signing import detached
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import Signer

ASKS, DECISIONS = "asks.jsonl", "decisions.jsonl"
ASK, DECISION = "ask", "decision"
"""What is signed, by its name in the file."""
KINDS = {local.GRANTS: "grant", local.GROUPS: "group", ASKS: ASK, DECISIONS: DECISION}
"""The files that a provider's decisions are in, and what is signed in each."""
LARGEST = 65_536
"""Bytes of an ask."""
LONGEST, MOST = 1000, 10_000
"""Signs of a reason; calls, which are purposes times endpoints: each of them is held against the nation's rights."""


class NotItsService(OnedoorError):
    """The gateway in {folder} provides no service {service}. It provides: {services}."""


class NotItsClient(OnedoorError):
    """The gateway in {folder} serves no system {client}. It serves: {clients}."""


class AboveCeiling(OnedoorError):
    """The nation’s rights do not let {client} call {service} at {endpoint} for {purpose}. A right of the nation’s files comes first."""  # noqa: E501 - one sentence after the other


class OtherBasis(OnedoorError):
    """The nation’s right of {client} to call {service} for {purpose} stands on {bases}, not on {basis}. Please ask on what it stands on."""  # noqa: E501 - one sentence after the other


class EndsAtOnce(OnedoorError):
    """A grant that ends on {day} counts for nothing: that day has begun. Please give a later one: --until DAY."""


class NothingGranted(OnedoorError):
    """{client} has no grant for {service} here: there is nothing to revoke."""


class BadAsk(OnedoorError):
    """This file is no ask that can be decided on: {why}. Please have the other side send it again."""


class Decided(OnedoorError):
    """This was decided on {moment} already: {decision}. Please ask anew for another decision."""


@dataclass(frozen=True, slots=True)
class Ask:
    """That a system may call a service: for which purpose, on which basis, and *why* in its operator's words."""

    permission: Permission
    basis: str
    why: str
    asked: datetime

    def data(self) -> dict[str, Any]:
        """Return the JSON form that is signed."""
        return {**self.permission.data(), "basis": self.basis, "why": self.why, "asked": self.asked.isoformat()}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Ask":
        """Return the ask in its JSON form; raise KeyError, TypeError or ValueError."""
        why, basis, wanted = data["why"], data["basis"], Permission.read(data)
        said = (why, basis, wanted.client, wanted.service, *wanted.purposes, *wanted.endpoints)
        if len(why) > LONGEST or not all(isinstance(one, str) and one.isprintable() for one in said):
            raise ValueError("not printable, or too long")
        if len(wanted.purposes) * len(wanted.endpoints) > MOST:
            raise ValueError("too much at once")
        if not all(ENDPOINT.fullmatch(one) for one in wanted.endpoints):
            raise ValueError("no method and path")
        return cls(wanted, basis, why, datetime.fromisoformat(data["asked"]))


class Provider:
    """The gateway in *folder*, as its operator decides for it at *now*."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder, self.now = folder, now
        self._local = local.read(folder)
        self._configuration: Configuration = published.kept(folder, self._local.anchors, now)
        self._certificates = [*load_certificates(folder / local.SIGNING_CERTIFICATE)]
        if own := self._configuration.gateways.get(self._local.id):
            others = [one for one in self._configuration.gateways_of_member(own) if one.id != own.id]
            self._certificates += [two for one in others for two in (one.signing, *one.former)]

    def grants(self) -> list[Grant]:
        """Return every grant that a gateway of this member signed, those that ended too."""
        return permissions.read_grants(self.folder / local.GRANTS, self._certificates)[0]

    def reaches(self, permission: Permission) -> bool:
        """Return whether the nation's rights reach all of *permission*."""
        return self._beyond(permission) is None

    def grant(self, permission: Permission, until: datetime | None) -> Grant:
        """Grant *permission* from now on; raise `NotItsService`, `AboveCeiling` or `EndsAtOnce`."""
        self._check_service(permission.service)
        self._check_ceiling(permission)
        with alone(self.folder):
            granted = self._wanted(permission, until)
            self._keep(granted)
        return granted

    def revoke(self, client: str, service: str) -> list[Grant]:
        """End what *client* is granted at *service*, and return it; raise `NothingGranted`."""
        which = (client, service)
        with alone(self.folder):
            known = self.grants()
            ended = [one for one in known if (one.permission.client, one.permission.service) == which]
            ended = [one for one in ended if one.until is None or one.until > self.now]
            if not ended:
                raise NothingGranted(client=client, service=service)
            self._write([replace(one, until=self.now) if one in ended else one for one in known])
        return ended

    def groups_of(self, client: str, service: str) -> list[str]:
        """Return the groups by which *client* may still call *service*."""
        own, _ = permissions.read_groups(self.folder / local.GROUPS, self._certificates)
        known = {**own, **self._configuration.groups}
        held = [one.permission for one in self.grants() if one.in_force(self.now) and one.permission.service == service]
        return sorted({one.client for one in held if client in known.get(one.client, ())})

    def read(self, raw: bytes) -> Ask:
        """Return the ask in *raw*, which the gateway of its client signed; raise `BadAsk`."""
        if len(raw) > LARGEST:
            raise BadAsk(why=said("it is longer than {most} bytes", most=LARGEST))
        try:
            data = json.loads(raw)
            ask = Ask.read(data[ASK])
            gateways = [one for one in self._configuration.gateways.values() if ask.permission.client in one.clients]
            by_its_gateway = any(_signed(data, one.signing) for one in gateways)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadAsk(why=said("it is not well formed")) from None
        if not by_its_gateway:
            raise BadAsk(why=said("the gateway of {client} did not sign it", client=ask.permission.client))
        return ask

    def decide(self, raw: bytes, *, by: str, why: str | None = None, until: datetime | None = None) -> Grant | None:
        """Grant what is asked in *raw*, or refuse it where *why* is given, and keep both.

        What is above the nation's rights can be refused alone. Raise as `read` and `grant`, `NotPlain`, `OtherBasis`,
        or `Decided`: what a crash left decided and not granted it grants.
        """
        ask = self.read(raw)
        self._check_service(ask.permission.service)
        if why is not None:
            check_plain(why, longest=LONGEST)
        else:
            self._check_ceiling(ask.permission)
            _check_basis(self._configuration.rights, ask)
        told = json.loads(raw)
        asked = {name: told[name] for name in (ASK, SIGNATURE)}  # anybody can write something else beside it
        with alone(self.folder):
            before = next((one for one in self.decisions() if one["asked"][ASK] == asked[ASK]), None)
            if before:
                granted = None if why else self._missing(ask.permission, before)
                if granted is None:
                    decision = said("refused") if before["refused"] else said("granted")
                    raise Decided(moment=before["moment"][:16], decision=decision)
            else:
                granted = None if why else self._wanted(ask.permission, until)
                record = {"asked": asked, "refused": why or "", "until": until.isoformat() if until else None, "by": by,
                          "moment": self.now.isoformat(),
                          "since": granted.since.isoformat() if granted else None}  # fmt: skip
                permissions.append_signed(self.folder / DECISIONS, DECISION, record, self._local.key)
            if granted:
                self._keep(granted)
        return granted

    def _wanted(self, permission: Permission, until: datetime | None) -> Grant:
        """Return the grant in force that is just so, or a new one, which is not kept yet."""
        if until is not None and until <= self.now:
            raise EndsAtOnce(day=f"{until:%Y-%m-%d}")
        same = (one for one in self.grants() if (one.permission, one.until) == (permission, until))
        return next((one for one in same if one.in_force(self.now)), Grant(permission, self.now, until))

    def _missing(self, permission: Permission, decision: Mapping[str, Any]) -> Grant | None:
        """Return what *decision* granted and was never kept; what was kept and ended since is not missing."""
        if not (since := decision.get("since")):  # refused, or an earlier version's, which kept the grant first
            return None
        until = datetime.fromisoformat(decision["until"]) if decision["until"] else None
        found = Grant(permission, datetime.fromisoformat(since), until)
        kept = any((one.permission, one.since) == (permission, found.since) for one in self.grants())
        return None if kept else found

    def _keep(self, granted: Grant) -> None:
        known = self.grants()
        if granted not in known:
            self._write([*known, granted])

    def asks(self) -> list[dict[str, Any]]:
        """Return what was asked from here of others, as it was signed."""
        return permissions.read_signed(self.folder / ASKS, ASK, self._certificates, dict)[0]

    def decisions(self) -> list[dict[str, Any]]:
        """Return what was decided on asks, as it was signed; others’ lines count for nothing."""
        return permissions.read_signed(self.folder / DECISIONS, DECISION, self._certificates, dict)[0]

    def _check_service(self, service: str) -> None:
        if service not in self._local.services:
            known = ", ".join(sorted(self._local.services))
            raise NotItsService(folder=self.folder, service=service, services=known)

    def _check_ceiling(self, permission: Permission) -> None:
        if beyond := self._beyond(permission):
            endpoint, purpose = beyond
            raise AboveCeiling(client=permission.client, service=permission.service, endpoint=endpoint, purpose=purpose)

    def _beyond(self, permission: Permission) -> tuple[str, str] | None:
        """Return the first endpoint and purpose of *permission* that the nation's rights do not reach."""
        rights: Permissions = self._configuration.rights
        return next(((endpoint, call[-1]) for endpoint, call in _calls(permission) if not rights.covers(*call)), None)

    def _write(self, grants: Iterable[Grant]) -> None:
        permissions.write_grants(self.folder / local.GRANTS, grants, self._local.key)


def ask(folder: Path, permission: Permission, *, basis: str, why: str, now: datetime) -> bytes:
    """Return the ask that the gateway in *folder* signs for one of its systems, and has kept by then.

    Raise `NotItsClient`, `NotPlain`, or `OtherBasis` where a right is known here: of a partner's services none is.
    """
    told = (basis, why, permission.client, permission.service, *permission.purposes, *permission.endpoints)
    check_plain(*told, longest=LONGEST)
    own = local.read(folder)
    found = published.kept(folder, own.anchors, now)
    clients: Sequence[str] = sorted(found.gateways[own.id].clients) if own.id in found.gateways else ()
    if permission.client not in clients:
        raise NotItsClient(folder=folder, client=permission.client, clients=", ".join(clients) or "–")
    asked = Ask(permission, basis, why, now)
    _check_basis(found.rights, asked)
    signed = permissions.signed(ASK, asked.data(), own.key)
    with alone(folder):
        permissions.append(folder / ASKS, signed)
    return json.dumps(signed, ensure_ascii=False, indent=1).encode() + b"\n"


def sign_anew(folder: Path, certificates: Sequence[Certificate], key: Signer) -> None:
    """Sign what was decided in *folder* with *key*, that of the first of *certificates*, where another of them did.

    Few certificates of before count: what one of them signed outlasts it so.
    """
    with alone(folder):
        for name, kind in KINDS.items():
            permissions.sign_anew(folder / name, kind, certificates, key)


def _calls(permission: Permission) -> Iterator[tuple[str, tuple[str, str, str, str, str]]]:
    """Yield each endpoint of *permission* for each purpose, with an example of the calls that it reaches."""
    for endpoint in permission.endpoints:
        method, _, path = endpoint.partition(" ")
        for purpose in permission.purposes:
            yield endpoint, (permission.client, permission.service, method, permissions.sample(path), purpose)


def _check_basis(rights: Permissions, asked: Ask) -> None:
    """Raise `OtherBasis` where what is asked stands by the nation's rights on another law than the ask says."""
    wanted = asked.permission
    for _, call in _calls(wanted):
        known = rights.bases(*call)
        if known and asked.basis not in known:
            facts = {"client": wanted.client, "service": wanted.service, "purpose": call[-1], "basis": asked.basis}
            raise OtherBasis(bases=", ".join(sorted(known)), **facts)


def _signed(told: Mapping[str, Any], certificate: Certificate) -> bool:
    try:
        permissions.verify(ASK, told, certificate)
    except detached.BadSignature:
        return False
    return True
