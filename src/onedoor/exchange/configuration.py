"""The nation's signed global configuration: members, gateways, systems, services, rights; with an end."""

import base64
import binascii
import json
import logging
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cryptography.x509 import Certificate

from onedoor.exchange.permissions import GLOBAL, Permission, Permissions
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.signing import detached
from onedoor.signing.asice.writing import Template
from onedoor.signing.certificates import fingerprint, pem
from onedoor.signing.keys import PrivateKey, PublicKey
from onedoor.signing.schemes import load_pem

FORMAT = "onedoor-configuration-1"
_MARK = b"\n\n-- "
MOST = 2000
"""Entries that one list of a partner may have."""
_SAID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,400}")
_logger = logging.getLogger(__name__)


class ConfigurationRefused(OnedoorError):
    """The configuration of the data exchange cannot be used: {why}. Ask the operator of the directory."""


@dataclass(frozen=True)
class Service:
    """A service that a subsystem offers to others; *kind* is ``REST`` or ``OPENAPI``."""

    code: str
    kind: str = "REST"


@dataclass(frozen=True)
class Subsystem:
    """An information system of a member; *systems* are the fingerprints of certificates it may show its gateway."""

    id: str
    name: str
    systems: frozenset[str]
    services: tuple[Service, ...] = ()


@dataclass(frozen=True)
class Member:
    """An organisation that takes part."""

    id: str
    name: str
    subsystems: tuple[Subsystem, ...] = ()


@dataclass(frozen=True)
class Before:
    """What a gateway signed with and showed before it changed its keys; it counts until *until* (UNIX time).

    From *since* on the gateway uses the new ones: by then every other gateway knows them.
    """

    since: float
    until: float
    tls: str
    signing: Certificate
    key: PublicKey = field(compare=False)
    template: Template = field(compare=False)


@dataclass(frozen=True)
class Gateway:
    """A member's gateway: where it is reached, which certificate it shows, whose signatures count, whom it serves.

    *former* are certificates that its signatures counted under before: some of them may wait for a time-stamp.
    """

    id: str
    host: str
    port: int
    tls: str
    signing: Certificate
    clients: frozenset[str]
    key: PublicKey = field(compare=False)
    template: Template = field(compare=False)
    former: tuple[Certificate, ...] = field(default=(), compare=False)
    before: Before | None = None

    def signers(self, moment: float) -> "Iterator[Gateway | Before]":
        """Yield whose signatures count for this gateway at *moment* (UNIX time)."""
        yield self
        if self.before and moment < self.before.until:
            yield self.before

    def shows(self, fingerprint_: str, moment: float) -> bool:
        """Return whether a certificate of this fingerprint is this gateway's in TLS at *moment*."""
        known = self.before
        return fingerprint_ == self.tls or (known is not None and fingerprint_ == known.tls and moment < known.until)


@dataclass(frozen=True)
class Partner:
    """Another instance of a federation, in force until *ends*; *authorities* (PEM) issue its certificates."""

    instance: str
    ends: float
    authorities: str
    members: tuple[Member, ...]
    gateways: Mapping[str, Gateway]


@dataclass(frozen=True)
class Configuration:
    """One verified configuration; look-ups are dictionaries, so its size does not slow a message."""

    instance: str
    serial: int
    generated: datetime
    expires: datetime
    authorities: str
    members: tuple[Member, ...]
    gateways: Mapping[str, Gateway]
    groups: Mapping[str, frozenset[str]]
    rights: Permissions
    subsystems: Mapping[str, Subsystem]
    gateways_of: Mapping[str, tuple[Gateway, ...]]
    gateway_by_tls: Mapping[str, Gateway]
    ends: float
    partners: tuple[Partner, ...] = ()
    monitoring: str = ""
    """The central monitoring client: the one system that may read the operational records of every gateway."""
    responders: Mapping[str, str] = field(default_factory=dict)
    """Where OCSP is asked about what an authority issued, by the fingerprint of the authority's certificate."""

    def gateways_of_member(self, gateway: Gateway) -> list[Gateway]:
        """Return *gateway* and the other gateways of its member."""
        owner = gateway.id.rpartition("/")[0]
        return [one for one in self.gateways.values() if one.id.rpartition("/")[0] == owner]

    @property
    def partners_end(self) -> float:
        """Return when the first of the partners ends, if nothing new is heard of it."""
        return min((one.ends for one in self.partners), default=math.inf)

    def without_ended(self, now: float) -> "Configuration":
        """Return the configuration with the partners that are in force at *now* alone."""
        own = {name: one for name, one in self.gateways.items() if name.startswith(f"{self.instance}/")}
        partners = tuple(one for one in self.partners if now < one.ends)
        return replace(self, partners=partners, **_indexed(own, partners))


def write(data: Mapping[str, Any], key: PrivateKey, certificate: Certificate) -> bytes:
    """Return *data* as JSON with the signature of *key* below it."""
    body = json.dumps(data, ensure_ascii=False).encode()
    signature = base64.b64encode(detached.sign(key, body)).decode()
    return body + _MARK + f"{fingerprint(certificate)} {signature}\n".encode()


def content(signed: bytes) -> dict[str, Any]:
    """Return what was signed, as data, whoever signed it."""
    found: dict[str, Any] = json.loads(signed.rpartition(_MARK)[0])
    return found


def read(signed: bytes, anchors: Iterable[Certificate], *, moment: datetime) -> Configuration:
    """Return the configuration that one of *anchors* signed and that is in force; raise `ConfigurationRefused`."""
    body, found, tail = signed.rpartition(_MARK)
    if not found:
        raise ConfigurationRefused(why=said("it is not signed"))
    _check_signature(body, tail, anchors)
    try:
        data = json.loads(body)
    except ValueError as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
    return of(data, moment)


def of(data: Mapping[str, Any], moment: datetime) -> Configuration:
    """Return the configuration that *data* is, once it is verified; raise `ConfigurationRefused` if not in force."""
    try:
        known = data["format"] == FORMAT
        configuration = _parse(data) if known else None
    except (ValueError, KeyError, TypeError, AttributeError, detached.BadSignature) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
    if configuration is None:
        raise ConfigurationRefused(why=said("its format is not known here"))
    if moment >= configuration.expires:
        raise ConfigurationRefused(why=said("it has expired"))
    return configuration


def _check_signature(body: bytes, tail: bytes, anchors: Iterable[Certificate]) -> None:
    try:
        print_, signature = tail.decode("ascii").split()
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        raise ConfigurationRefused(why=said("its signature is not well formed")) from None
    if tail != f"{print_} {base64.b64encode(raw).decode()}\n".encode():
        raise ConfigurationRefused(why=said("its signature is not well formed"))
    anchor = next((one for one in anchors if fingerprint(one) == print_), None)
    if anchor is None:
        raise ConfigurationRefused(why=said("an unknown key signed it"))
    try:
        detached.verify(anchor, body, raw)
    except detached.BadSignature:
        raise ConfigurationRefused(why=said("its signature does not match")) from None


def _parse(data: Mapping[str, Any]) -> Configuration:
    members = tuple(_member(one) for one in data["members"])
    gateways = {one["id"]: _gateway(one) for one in data["gateways"]}
    expires = datetime.fromisoformat(data["expires"])
    groups = {f"{GLOBAL}{one['id']}": frozenset(one["members"]) for one in data.get("groups", ())}
    partners = tuple(_partners(data))
    return Configuration(
        instance=str(data["instance"]),
        serial=int(data["serial"]),
        generated=datetime.fromisoformat(data["generated"]),
        expires=expires,
        authorities=_authorities(data["authorities"]),
        members=members,
        groups=groups,
        rights=Permissions((Permission.read(one) for one in data["rights"]), groups),
        subsystems={one.id: one for member in members for one in member.subsystems},
        ends=expires.timestamp(),
        partners=partners,
        monitoring=str(data.get("monitoring", "")),
        responders=_responders(data["authorities"]),
        **_indexed(gateways, partners),
    )


def _indexed(own: Mapping[str, Gateway], partners: Collection[Partner]) -> dict[str, Any]:
    """Return the look-ups of gateways; what a partner says never takes the place of what is our own."""
    known = {**{name: one for partner in partners for name, one in partner.gateways.items()}, **own}
    serving: dict[str, tuple[Gateway, ...]] = {}
    for gateway in known.values():
        for client in gateway.clients:
            serving[client] = (*serving.get(client, ()), gateway)
    return {
        "gateways": known,
        "gateways_of": serving,
        "gateway_by_tls": {
            **{tls: one for partner in partners for tls, one in by_tls(partner.gateways.values())},
            **dict(by_tls(own.values())),
        },
    }


def by_tls(gateways: Collection[Gateway]) -> Iterator[tuple[str, Gateway]]:
    """Yield each certificate that one of *gateways* shows, those of before first: a present one takes its place."""
    yield from ((one.before.tls, one) for one in gateways if one.before)
    yield from ((one.tls, one) for one in gateways)


def _partners(data: Mapping[str, Any]) -> Iterator[Partner]:
    """Yield the partners that can be read: a fault of one is its own."""
    for one in data.get("partners", ()):
        try:
            yield partner(one, data["instance"])
        except ConfigurationRefused:
            _logger.warning("configuration.partner_refused")


def partner(data: Mapping[str, Any], own: str) -> Partner:
    """Return the partner of the instance *own* that *data* tells of; raise `ConfigurationRefused`.

    It speaks of its own members alone.
    """
    told = foreign(data)
    try:
        instance = str(told["instance"])
        members = tuple(_member(one) for one in told["members"])
        gateways = {one["id"]: _gateway(one) for one in told["gateways"]}
        ends = datetime.fromisoformat(told["expires"]).timestamp()
        authorities = _authorities(told["authorities"])
    except (ValueError, KeyError, TypeError, AttributeError, detached.BadSignature) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken
    names = [*gateways, *(client for one in gateways.values() for client in one.clients)]
    names += [name for one in members for name in (one.id, *(two.id for two in one.subsystems))]
    if instance == own or "/" in instance or not all(one.startswith(f"{instance}/") for one in names):
        raise ConfigurationRefused(why=said("it speaks of members that are not its own"))
    return Partner(instance, ends, authorities, members, gateways)


def foreign(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what *data* tells of a partner, made anew: its texts and certificates and nothing else of it.

    What a partner writes is signed again by us: raise `ConfigurationRefused` where it is of another form, or too much.
    """
    try:
        return {
            "instance": _text(data["instance"]),
            "authorities": [_certificates(_authorities([one])) for one in _some(data.get("authorities", []))],
            "members": [
                {
                    "id": _text(one["id"]),
                    "name": _text(one["name"]),
                    "subsystems": [_foreign_subsystem(two) for two in _some(one["subsystems"])],
                }
                for one in _some(data.get("members", []))
            ],
            "gateways": [
                {
                    **{name: _text(one[name]) for name in ("id", "address", "tls")},
                    "signing": _certificates(one["signing"]),
                    "clients": [_text(two) for two in _some(one["clients"])],
                    **_handover(one),
                }
                for one in _some(data.get("gateways", []))
            ],
            "expires": _text(data["expires"]),
            "shared": data["shared"].encode().decode(),
            "listed": data.get("listed", "").encode("ascii").decode(),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise ConfigurationRefused(why=said("it is not well formed")) from broken


def _foreign_subsystem(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _text(data["id"]),
        "name": _text(data["name"]),
        "systems": [_text(one) for one in _some(data["systems"])],
        "services": [{name: _text(one[name]) for name in ("code", "kind")} for one in _some(data["services"])],
    }


def _handover(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a partner says of a gateway that changes its keys, if it does."""
    told = data.get("handover")
    if not told:
        return {}
    texts = {name: _text(told[name]) for name in ("from", "until", "tls")}
    return {"handover": {**texts, "signing": _certificates(told["signing"])}}


def _text(value: object) -> str:
    if not isinstance(value, str) or not _SAID.fullmatch(value):
        raise ValueError("not a text")
    return value


def _some(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise ValueError("not a list, or too long")
    return value


def _certificates(text: str) -> str:
    """Return the certificates in *text* (PEM) alone, whatever else stands between them."""
    return pem(load_pem(text.encode())).decode()


def _authorities(listed: Iterable[Any]) -> str:
    """Return the certificates of authorities (PEM); an earlier version's directory gave nothing else."""
    return "".join(one if isinstance(one, str) else one["certificate"] for one in listed)


def _responders(listed: Iterable[Any]) -> dict[str, str]:
    named = [one for one in listed if not isinstance(one, str) and one.get("responders")]
    known = [(load_pem(one["certificate"].encode())[0], one["responders"][0]) for one in named]
    return {fingerprint(certificate): str(responder["url"]) for certificate, responder in known}


def _member(data: Mapping[str, Any]) -> Member:
    return Member(data["id"], data["name"], tuple(_subsystem(one) for one in data["subsystems"]))


def _subsystem(data: Mapping[str, Any]) -> Subsystem:
    services = tuple(Service(one["code"], one["kind"]) for one in data["services"])
    return Subsystem(data["id"], data["name"], frozenset(data["systems"]), services)


def _gateway(data: Mapping[str, Any]) -> Gateway:
    host, _, port = data["address"].rpartition(":")
    certificate, *former = load_pem(data["signing"].encode())
    whom, how = frozenset(data["clients"]), (detached.public_key(certificate), Template(certificate))
    before = _before(data["handover"]) if data.get("handover") else None
    return Gateway(data["id"], host, int(port), data["tls"], certificate, whom, *how, tuple(former), before)


def _before(data: Mapping[str, Any]) -> Before:
    (certificate,) = load_pem(data["signing"].encode())
    since, until = (datetime.fromisoformat(data[name]).timestamp() for name in ("from", "until"))
    return Before(since, until, data["tls"], certificate, detached.public_key(certificate), Template(certificate))
