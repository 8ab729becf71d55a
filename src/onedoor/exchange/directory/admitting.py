"""What the directory's operator decides by commands: who takes part, who may call whom, whose certificates count.

Each decision is checked against what the directory publishes, and entered in its `journal`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509 import Certificate

from onedoor.exchange import configuration, identifiers, permissions
from onedoor.exchange.directory import journal, registering
from onedoor.exchange.directory.authorities import Authorities
from onedoor.exchange.directory.journal import ADD, ALLOW, APPROVE, DENY, REMOVE, WITHDRAW, Change, acts
from onedoor.exchange.directory.registering import BadRegistration
from onedoor.exchange.gateway.identities import FORMER
from onedoor.exchange.permissions import Permission, alone, check_plain
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import Said, said
from onedoor.signing.certificates import fingerprint, pem

SPREAD, OVERLAP = timedelta(minutes=5), timedelta(hours=1)
"""After which a gateway uses its new keys, when all others know them, and for how long the old ones count as well."""
AHEAD = timedelta(minutes=5)
"""That the clock of who registers may be ahead."""
_NAMESPACE = "ee.ria.xroad.common.certificateprofile.impl."
_LISTS = ("systems", "services")
_END = "-----END CERTIFICATE-----"


class OtherMark(OnedoorError):
    """The SHA-256 of this registration is {mark}, which does not begin with “{told}” (16 digits or more). Nothing was changed. Ask its operator again."""  # noqa: E501 - one sentence after the other


class NotAdmitted(OnedoorError):
    """No gateway {gateway} was added here. These were: {known}. Members of the nation’s files leave by those files."""


class NotGiven(OnedoorError):
    """No right of {client} to {service} was given here. Rights of the nation’s files end by those files."""


class NotApproved(OnedoorError):
    """No authority {name} was approved here. These were: {known}."""


class NotAnAddress(OnedoorError):
    """“{given}” is no address of an authority, such as http://tsa.example/. Nothing was changed."""


class BadRight(OnedoorError):
    """This right cannot be given: {why}. Nothing was changed."""


class BadAuthority(OnedoorError):
    """The certificate of {name} is of no certification authority. Nothing was changed."""


class Directory:
    """The directory in *folder*, as its operator *by* decides for it at *now*."""

    def __init__(self, folder: Path, by: str, now: datetime) -> None:
        self.folder, self.by, self.now = folder, by, now

    def content(self, *more: Change) -> dict[str, Any]:
        """Return what the directory publishes at this moment, as if *more* was entered already."""
        from onedoor.exchange.directory import publishing  # it applies what is done here

        return publishing.content(self.folder, self.now, *more)

    def add(
        self, raw: bytes, *, spread: timedelta = SPREAD, overlap: timedelta = OVERLAP
    ) -> tuple[dict[str, Any], bool]:
        """Admit the gateway that the registration *raw* tells of; return its entry, and whether anything changed.

        Where its keys are others than before, those before count for *overlap* more (not at all when it is nothing),
        and the gateway uses the new ones after *spread*. Raise `BadRegistration`.
        """
        with alone(self.folder):
            content, told = self.content(), registering.read(raw)
            registering.check(told, content, self.now, Authorities(self.folder))
            before = next((one for one in content["gateways"] if one["id"] == told["gateway"]), None)
            tls, _ = registering.certificates(told)
            gateway = {
                "id": told["gateway"],
                "address": told["address"],
                "tls": fingerprint(tls),
                "signing": told["signing"],
                "clients": [one["id"] for one in told["subsystems"]],
            }
            member = {**told["member"], "subsystems": told["subsystems"]}
            facts = {"member": member, "gateway": gateway, "registered": told["moment"]}
            after = self.content(Change(ADD, facts, self.by, self.now))
            known, then = (_systems(one, member["id"]) for one in (content, after))
            same = before is not None and _same(before, gateway) and known == then
            if before and same and (overlap or not before.get("handover")):
                return before, False
            self._check_moment(told, again=same)
            _check_size(after, member["id"])
            if before:
                gateway |= _handover(before, gateway, self.now, spread, overlap)
            self._write(ADD, facts)
        return gateway, True

    def remove(self, gateway: str) -> None:
        """Let the gateway take part no more, nor its systems; raise `NotAdmitted`."""
        with alone(self.folder):
            known = journal.gateways(self.folder)
            if gateway not in known:
                raise NotAdmitted(gateway=gateway, known=", ".join(known) or "–")
            self._write(REMOVE, {"gateway": gateway})

    def allow(self, permission: Permission, basis: str) -> bool:
        """Let the ceiling of rights reach *permission* on *basis*; return whether that is new. Raise `BadRight`."""
        _check_right(permission)
        check_plain(basis, permission.client, *permission.purposes, *permission.endpoints)
        with alone(self.folder):
            known = (one for one in self.content()["rights"] if journal.without_bases(one) == permission.data())
            if any(basis in one.get("bases", (basis,)) for one in known):
                return False
            self._write(ALLOW, {"right": permission.data(), "basis": basis})
        return True

    def deny(self, client: str, service: str) -> int:
        """Take away what was given here of *client* to *service*; return how many rights. Raise `NotGiven`."""
        with alone(self.folder):
            found: dict[str, list[Any]] = {"rights": []}
            for act in acts(self.folder):
                if act.what in (ALLOW, DENY):
                    journal.STEPS[act.what](found, act.facts)
            rights = map(journal.without_bases, found["rights"])
            gone = [one for one in rights if (one["client"], one["service"]) == (client, service)]
            if not gone:
                raise NotGiven(client=client, service=service)
            self._write(DENY, {"rights": gone})
        return len(gone)

    def approve(self, name: str, certificate: Certificate, *, profile: str, ocsp: str) -> None:
        """Approve a certification authority whose certificates name members by *profile*; raise `BadAuthority`."""
        if not _is_authority(certificate):
            raise BadAuthority(name=name)
        check_plain(name)
        if ocsp:
            _check_address(ocsp)
        own = pem([certificate]).decode()
        responders = [{"url": ocsp, "certificate": own}] if ocsp else []
        told = {"name": name, "certificate": own, "profile": _NAMESPACE + profile, "responders": responders}
        with alone(self.folder):
            self._write(APPROVE, {"list": "authorities", "authority": told})

    def approve_stamps(self, name: str, certificate: Certificate, url: str) -> None:
        """Approve a time-stamp authority that answers at *url*."""
        check_plain(name)
        _check_address(url)
        told = {"name": name, "url": url, "certificate": pem([certificate]).decode()}
        with alone(self.folder):
            self._write(APPROVE, {"list": "time_stampers", "authority": told})

    def withdraw(self, name: str, *, stamps: bool = False) -> None:
        """Approve the authority *name* no more; raise `NotApproved`.

        One for *stamps* and one for certificates may have the same name: the name alone means that for certificates.
        """
        with alone(self.folder):
            content, lists = self.content(), journal.AUTHORITIES[stamps:]
            known = {listed: [one["name"] for one in content[listed] if not isinstance(one, str)] for listed in lists}
            found = next((listed for listed in lists if name in known[listed]), None)
            if found is None:
                raise NotApproved(name=name, known=", ".join(name for names in known.values() for name in names))
            self._write(WITHDRAW, {"name": name, "list": found})

    def _check_moment(self, told: Mapping[str, Any], *, again: bool) -> None:
        """Raise when a later registration of the gateway was taken in: somebody brings an old one again.

        What stands there already may be brought *again*, to end an overlap. Nothing is of the future: where one of
        before is, it counts from when it was taken in, or its gateway could say nothing new until then.
        """
        moment = _moment(told["moment"])
        if moment > self.now + AHEAD:
            raise BadRegistration(why=said("it is of {moment}, which is still to come", moment=told["moment"]))
        for act in acts(self.folder):
            if act.what == ADD and act.facts["gateway"]["id"] == told["gateway"]:
                known = min(_moment(act.facts["registered"]), act.moment + AHEAD)
                if moment < known or (moment == known and not again):
                    raise BadRegistration(why=said("a later one of this gateway was taken in already"))

    def _write(self, what: str, facts: Mapping[str, Any]) -> None:
        journal.enter(self.folder, Change(what, facts, self.by, self.now))


def _check_address(url: str) -> None:
    check_plain(url)
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        right = False
    if not right:
        raise NotAnAddress(given=url)


def _moment(text: str) -> datetime:
    """Return the moment in *text*; one without a time zone, which an earlier version took in, is of UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_size(content: Mapping[str, Any], member: str) -> None:
    """Raise where a list of *content* would be longer than those who read it take in."""
    own = next(one["subsystems"] for one in content["members"] if one["id"] == member)
    lists = [content["gateways"], own, *(one[name] for one in own for name in _LISTS)]
    if max(map(len, lists)) > configuration.MOST:
        raise BadRegistration(
            why=said("one list of the directory would be longer than {most}", most=configuration.MOST)
        )


def _same(before: Mapping[str, Any], gateway: Mapping[str, Any]) -> bool:
    """Return whether the directory says all of that of the gateway already."""
    present = before["signing"].startswith(gateway["signing"].rstrip())
    return present and all(before[name] == gateway[name] for name in ("address", "tls", "clients"))


def _systems(content: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return what *content* says of a member and its systems, in whichever order it says so."""
    found: dict[str, Any] = {}
    for one in (one for one in content["members"] if one["id"] == member):
        found[""] = one["name"]
        for two in one["subsystems"]:
            services = {three["code"]: three["kind"] for three in two["services"]}
            found[two["id"]] = (two["name"], {*two["systems"]}, services)
    return found


def _handover(
    before: Mapping[str, Any], gateway: Mapping[str, Any], now: datetime, spread: timedelta, overlap: timedelta
) -> dict[str, Any]:
    """Return what to publish besides, where keys change: certificates of before, and until when they count."""
    known = before["signing"].split(_END)
    former = [f"{one.strip()}\n{_END}\n" for one in known if one.strip()]
    others = [one for one in former if one.strip() != gateway["signing"].strip()]
    told: dict[str, Any] = {"signing": "".join([gateway["signing"], *others[:FORMER]])}
    changed = former[0].strip() != gateway["signing"].strip() or before["tls"] != gateway["tls"]
    if changed and overlap:
        ends = {"from": (now + spread).isoformat(), "until": (now + overlap).isoformat()}
        told["handover"] = {**ends, "tls": before["tls"], "signing": former[0]}
    elif overlap and before.get("handover"):
        told["handover"] = before["handover"]
    return told


def _check_right(permission: Permission) -> None:
    why: Said | None = None
    try:
        client = permission.client
        if not client.startswith((permissions.GLOBAL, permissions.LOCAL)):
            identifiers.read_identifier(client, identifiers.SUBSYSTEM)
        identifiers.read_identifier(permission.service, identifiers.SERVICE)
    except identifiers.BadIdentifier as bad:
        why = said("it names no system and service ({what})", what=str(bad))
    if why:
        raise BadRight(why=why)


def _is_authority(certificate: Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False
