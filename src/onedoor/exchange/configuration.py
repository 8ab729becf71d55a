"""The nation's signed global configuration: members, gateways, systems, services, rights; with an end."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.x509 import Certificate, load_pem_x509_certificates

from onedoor.exchange import parameters
from onedoor.exchange.permissions import GLOBAL, Permission, Permissions
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.signing import detached
from onedoor.signing.asice.writing import Template
from onedoor.signing.certificates import fingerprint
from onedoor.signing.keys import PrivateKey, PublicKey

FORMAT = "onedoor-configuration-1"
_MARK = b"\n\n-- "


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


@dataclass(frozen=True)
class Configuration:
    """One verified configuration; look-ups are dictionaries, so its size does not slow a message.

    *shared* is what X-Road's readers are told of it; nothing where a directory of an earlier version wrote it.
    """

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
    gateway_of: Mapping[str, Gateway]
    gateway_by_tls: Mapping[str, Gateway]
    ends: float
    shared: bytes


def write(data: Mapping[str, Any], key: PrivateKey, certificate: Certificate) -> bytes:
    """Return *data* as JSON with the signature of *key* below it."""
    body = json.dumps(data, ensure_ascii=False, indent=1).encode()
    signature = base64.b64encode(detached.sign(key, body)).decode()
    return body + _MARK + f"{fingerprint(certificate)} {signature}\n".encode()


def read(signed: bytes, anchors: Iterable[Certificate], *, moment: datetime) -> Configuration:
    """Return the configuration that one of *anchors* signed and that is in force; raise `ConfigurationRefused`."""
    body, found, tail = signed.rpartition(_MARK)
    if not found:
        raise ConfigurationRefused(why=said("it is not signed"))
    _check_signature(body, tail, anchors)
    try:
        data = json.loads(body)
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
    return Configuration(
        instance=str(data["instance"]),
        serial=int(data["serial"]),
        generated=datetime.fromisoformat(data["generated"]),
        expires=expires,
        authorities="".join(one if isinstance(one, str) else one["certificate"] for one in data["authorities"]),
        members=members,
        gateways=gateways,
        groups=groups,
        rights=Permissions((Permission.read(one) for one in data["rights"]), groups),
        subsystems={one.id: one for member in members for one in member.subsystems},
        gateway_of={client: gateway for gateway in gateways.values() for client in gateway.clients},
        gateway_by_tls={gateway.tls: gateway for gateway in gateways.values()},
        ends=expires.timestamp(),
        shared=parameters.shared(data) if "address" in data else b"",
    )


def _member(data: Mapping[str, Any]) -> Member:
    return Member(data["id"], data["name"], tuple(_subsystem(one) for one in data["subsystems"]))


def _subsystem(data: Mapping[str, Any]) -> Subsystem:
    services = tuple(Service(one["code"], one["kind"]) for one in data["services"])
    return Subsystem(data["id"], data["name"], frozenset(data["systems"]), services)


def _gateway(data: Mapping[str, Any]) -> Gateway:
    host, _, port = data["address"].rpartition(":")
    certificate, *former = load_pem_x509_certificates(data["signing"].encode())
    whom, how = frozenset(data["clients"]), (detached.public_key(certificate), Template(certificate))
    return Gateway(data["id"], host, int(port), data["tls"], certificate, whom, *how, tuple(former))
