"""A gateway's folder before and while it takes part: keys, requests for certificates, and its registration.

Nothing here asks the directory for anything: a registration is a file that both keys sign, and that the directory's
operator takes in (`directory.admitting`), once it is clear who brought it.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509 import Certificate
from cryptography.x509.oid import NameOID

from onedoor.exchange import identifiers, permissions
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.gateway import identities, local
from onedoor.exchange.gateway.identities import INNER, NEXT, OUTER, SIGNING, TOKEN
from onedoor.kernel.durable import write_durably
from onedoor.kernel.errors import BadInput, OnedoorError
from onedoor.kernel.said import said
from onedoor.signing.certificates import (
    Authority,
    Subject,
    commits,
    fingerprint,
    load_certificates,
    pem,
    requested,
    save_certificates,
)
from onedoor.signing.keys import Signer, new_key, save_key

REQUESTS, INSIDE, SYSTEMS = "requests", "inside", "systems"
"""Folders: requests for certificates; the authority of the links inside; the keys of the own systems."""
REGISTRATION, FORMAT = "registration", "onedoor-registration-1"
INSIDE_DAYS = 3650
BASIC, EJBCA, FIVRK = "basic", "ejbca", "fivrk"
NAMES = {
    BASIC: PROFILES["BasicCertificateProfileInfoProvider"],
    EJBCA: PROFILES["EjbcaCertificateProfileInfoProvider"],
    FIVRK: PROFILES["FiVRKCertificateProfileInfoProvider"],
}
"""X-Road's ways of naming a member in its certificates, and who reads each."""


class OtherGateway(OnedoorError):
    """The folder {folder} is that of the gateway {there}, not of {given}. Please name another folder."""


class NotBegun(OnedoorError):
    """There is no gateway in {folder}. Begin with “onedoor gateway init {folder}”."""


class NotByInit(OnedoorError):
    """The gateway in {folder} was not made by “onedoor gateway init”: the nation’s files say what it is, and “onedoor up” or “onedoor lab” runs it."""  # noqa: E501 - one sentence after the other


class NotForCertificates(BadInput):
    """“{given}” cannot stand in a certificate: it must have from {least} to {most} bytes. Please give another one."""


class NotOurCertificate(OnedoorError):
    """The certificate in {file} cannot be used here: {why}. Nothing was changed."""


class NotCertified(OnedoorError):
    """The gateway in {folder} has no certificate yet for {what}. Send the request {request} to your certification authority, then run “onedoor gateway certificate import {folder} FILE”."""  # noqa: E501 - one sentence after the other


class NoSuchSystem(OnedoorError):
    """The gateway in {folder} has no system {given}. It has: {systems}."""


class NotOffered(BadInput):
    """This service cannot be offered: {why}. Nothing was changed."""


class ReservedCode(OnedoorError):
    """No service can be called {code}: gateways answer that themselves. Nothing was changed. Please choose another code."""  # noqa: E501 - one sentence after the other


@dataclass(frozen=True)
class Wanted:
    """What an operator says of a new gateway: ids and *name* of its member, where others reach it, whom it serves.

    *systems* are the codes of the member's subsystems, each with the name it is shown by.
    """

    id: str
    name: str
    address: str
    directory: str
    country: str = ""
    profile: str = BASIC
    systems: Mapping[str, str] = field(default_factory=dict)

    @property
    def member(self) -> str:
        """Return the id of the member."""
        return self.id.rpartition("/")[0]


def begin(folder: Path, wanted: Wanted, anchors: Iterable[Certificate], *, in_token: bool = False) -> list[Path]:
    """Make what is missing of the gateway *wanted* in *folder*; return the requests for certificates it waits for.

    Safe to run again: no key is ever made anew. Raise `OtherGateway`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with permissions.alone(folder):
        return _begin(folder, wanted, anchors, in_token=in_token)


def _begin(folder: Path, wanted: Wanted, anchors: Iterable[Certificate], *, in_token: bool) -> list[Path]:
    path = folder / local.FILE
    known = file_of(folder) if path.exists() else {"services": []}
    if known.get("id", wanted.id) != wanted.id:
        raise OtherGateway(folder=folder, there=known["id"], given=wanted.id)
    told = {"name": wanted.name, "address": wanted.address, "country": wanted.country, "profile": wanted.profile}
    told["systems"] = known.get("systems", {}) | dict(wanted.systems)
    save_certificates(folder / local.ANCHOR, anchors)
    if not (folder / local.LOG_KEY).exists():
        write_durably(folder / local.LOG_KEY, secrets.token_bytes(local.LOG_KEY_BYTES))
    _key(folder, SIGNING, wanted.id, in_token=in_token)
    _key(folder, OUTER, wanted.id)
    _inside(folder, wanted, told["systems"])
    _keep(path, known | told | {"id": wanted.id, "directory": wanted.directory})
    return [request(folder, name) for name in (SIGNING, OUTER) if not (folder / f"{name}.pem").exists()]


def _key(folder: Path, name: str, owner: str, *, in_token: bool = False) -> Signer:
    """Return the key *name* of *folder*, made now when there is none."""
    if found := identities.key_of(folder, name):
        return found
    if in_token:
        from onedoor.signing import tokens  # loaded where there is a token

        tokens.save(folder / f"{name}{TOKEN}", tokens.make(f"onedoor {name} of {owner}"))
    else:
        save_key(folder / f"{name}.key", new_key())
    made = identities.key_of(folder, name)
    assert made is not None, "it was made above"  # noqa: S101 - for mypy
    return made


def _inside(folder: Path, wanted: Wanted, systems: Iterable[str]) -> None:
    """Make the authority of the links inside, and by it what gateway and systems show each other."""
    authority = Authority.open(folder / INSIDE, f"onedoor inside {wanted.member}")
    root = pem([authority.certificate])
    if not (folder / f"{INNER}-trust.pem").exists():
        write_durably(folder / f"{INNER}-trust.pem", root, mode=0o644)
    shown = [(folder, INNER, wanted.id)]
    shown += [(folder / SYSTEMS / one, "tls", f"{wanted.member}/{one}") for one in systems]
    for place, name, identifier in shown:
        key, path = _key(place, name, identifier), place / f"{name}.pem"
        if not path.exists():
            about = Subject(identifier, identifier=identifier)
            days, names = INSIDE_DAYS, ("127.0.0.1", "localhost")
            issued = authority.issue(about, key.public_key(), "tls", names=names, days=days)
            save_certificates(path, [issued])
        if name == "tls":
            write_durably(place / "tls-trust.pem", root, mode=0o644)


def request(folder: Path, name: str, key: Signer | None = None) -> Path:
    """Write the request (PKCS #10) for a certificate of the key *name*, or of *key*; return where it is."""
    own = told_of(folder)
    key = key or identities.key_of(folder, name)
    if key is None:
        raise NotBegun(folder=folder)
    path = folder / REQUESTS / f"{name}.csr"
    write_durably(path, requested(_subject(own, name), key).encode(), mode=0o644)
    return path


def renew(folder: Path, name: str, *, in_token: bool = False) -> Path:
    """Make the next key *name* beside the one in use, unless one waits already, and the request for it."""
    with _alone(folder) as own:
        waiting, used = folder / NEXT, folder / f"{name}.pem"
        if not used.exists():
            return request(folder, name)
        waiting.mkdir(mode=0o700, exist_ok=True)
        return request(folder, name, _key(waiting, name, own["id"], in_token=in_token))


def _subject(own: Mapping[str, Any], name: str) -> x509.Name:
    """Return the subject that X-Road's profile wants: of the member for signatures, of the server for TLS."""
    instance, category, code, server = own["id"].split("/")
    host = own["address"].rpartition(":")[0].strip("[]")
    country = [(NameOID.COUNTRY_NAME, own["country"])] if own["country"] else []
    organisation = [(NameOID.ORGANIZATION_NAME, own["name"])]
    shown = own["name"] if name == SIGNING else host
    values = {
        BASIC: [*country, *organisation, (NameOID.BUSINESS_CATEGORY, category), (NameOID.SERIAL_NUMBER, code),
                (NameOID.COMMON_NAME, shown)],
        EJBCA: [(NameOID.COUNTRY_NAME, instance), (NameOID.ORGANIZATION_NAME, category),
                (NameOID.COMMON_NAME, code if name == SIGNING else host)],
        FIVRK: [*country, *organisation, (NameOID.SERIAL_NUMBER, f"{instance}/{server}/{category}"),
                (NameOID.COMMON_NAME, code if name == SIGNING else host)],
    }  # fmt: skip
    return x509.Name([_attribute(oid, value) for oid, value in values[own["profile"]]])


def _attribute(oid: x509.ObjectIdentifier, value: str) -> "x509.NameAttribute[str]":
    """Return a part of a subject; raise `NotForCertificates` where X.520 has another length for it."""
    least, most = (2, 2) if oid == NameOID.COUNTRY_NAME else (1, 64)
    if not least <= len(value.encode()) <= most:
        raise NotForCertificates(given=value, least=least, most=most)
    return x509.NameAttribute(oid, value)


def certify(folder: Path, chain: tuple[Certificate, ...], file: Path) -> str:
    """Keep the certificate that came for one of the gateway's keys, the first of *chain*; return which key it is.

    That of the key in use counts from the next start on, that of the next key once the directory tells everybody.
    Raise `NotOurCertificate`.
    """
    present = chain[0]
    with _alone(folder) as own:
        for place in (folder, folder / NEXT):
            for name in (SIGNING, OUTER):
                key = identities.key_of(place, name)
                if key and key.public_key() == present.public_key():
                    if why := _unfit(own, name, present):
                        raise NotOurCertificate(file=file, why=why)
                    _install(folder, place / f"{name}.pem", chain)
                    return name
    raise NotOurCertificate(file=file, why=said("it belongs to no key of the gateway in {folder}", folder=folder))


def _install(folder: Path, path: Path, chain: tuple[Certificate, ...]) -> None:
    """Keep *chain* at *path*: behind a certificate for signatures stand those of before, behind one for TLS its own."""
    if path.stem == OUTER:
        save_certificates(path, chain)
        if not (folder / f"{OUTER}-trust.pem").exists():
            save_certificates(folder / f"{OUTER}-trust.pem", chain[1:] or chain)
        return
    known = load_certificates(path) if path.exists() else ()
    save_certificates(path, [chain[0], *[one for one in known if one != chain[0]][: identities.FORMER]])


def _unfit(own: Mapping[str, Any], name: str, certificate: Certificate) -> object:
    """Return why *certificate* cannot be that of the key *name*, or nothing."""
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        return said("it is not in force")
    if (name == SIGNING) != commits(certificate):
        return said("signatures need the key usage contentCommitment, and TLS must not have it")
    member = own["id"].rpartition("/")[0]
    if name == SIGNING and NAMES[own["profile"]](certificate.subject, own["id"].split("/")[0]) != member:
        return said("it does not name the member {member}", member=member)
    return None


def registration(folder: Path, now: datetime) -> bytes:
    """Return what the directory must know of the gateway in *folder*, signed with both its keys.

    Where next keys wait with their certificates, it is about those. Raise as `told_of`, or `NotCertified`.
    """
    own = told_of(folder)
    signing, outer = (_certified(folder, name) for name in (SIGNING, OUTER))
    data = {
        "format": FORMAT,
        "gateway": own["id"],
        "address": own["address"],
        "tls": pem([outer[1]]).decode(),
        "signing": pem([signing[1]]).decode(),
        "member": {"id": own["id"].rpartition("/")[0], "name": own["name"]},
        "subsystems": list(_subsystems(folder, own)),
        "moment": now.isoformat(),
    }
    told = permissions.signed(REGISTRATION, data, signing[0])
    told["possession"] = permissions.signed(REGISTRATION, data, outer[0])[permissions.SIGNATURE]
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def ready(folder: Path) -> None:
    """Return when the gateway in *folder* can run; raise as `told_of`, or `NotCertified`."""
    told_of(folder)
    for name in (SIGNING, OUTER):
        _certified(folder, name)


def mark(registered: bytes) -> str:
    """Return the SHA-256 of a registration, for two people to compare."""
    return sha256(registered).hexdigest()


def _certified(folder: Path, name: str) -> tuple[Signer, Certificate]:
    if waits := identities.following(folder, name):
        return waits.key, waits.certificate
    try:
        found = identities.used(folder, name)
    except FileNotFoundError:
        what = said("signatures") if name == SIGNING else said("TLS")
        raise NotCertified(folder=folder, what=what, request=folder / REQUESTS / f"{name}.csr") from None
    return found.key, found.certificate


def _subsystems(folder: Path, own: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    member = own["id"].rpartition("/")[0]
    for code, name in own["systems"].items():
        system, services = f"{member}/{code}", []
        for one in own["services"]:
            if one["service"].rpartition("/")[0] == system:
                kind = "OPENAPI" if one.get("description") else "REST"
                services.append({"code": one["service"].rpartition("/")[2], "kind": kind})
        shown = fingerprint(load_certificates(folder / SYSTEMS / code / "tls.pem")[0])
        yield {"id": system, "name": name or code, "systems": [shown], "services": services}


def serve(folder: Path, system: str, code: str, url: str, *, shows: Certificate | None = None) -> str:
    """Let the gateway in *folder* offer the service *code* of one of its systems, found at *url*; return its id.

    The system shows the certificate *shows*, or that which was made for it here. Raise `NoSuchSystem`,
    `ReservedCode` or `NotOffered`.
    """
    if code in identifiers.RESERVED:
        raise ReservedCode(code=code)
    with _alone(folder) as own:
        if system not in own["systems"]:
            raise NoSuchSystem(folder=folder, given=system, systems=", ".join(own["systems"]))
        certificate = shows or load_certificates(folder / SYSTEMS / system / "tls.pem")[0]
        service = f"{own['id'].rpartition('/')[0]}/{system}/{code}"
        others = [one for one in own["services"] if one["service"] != service]
        entry = {"service": service, "url": url, "system": fingerprint(certificate), "endpoints": [], "description": ""}
        try:
            local.provided(entry, folder)
        except local.BadGatewayFile as bad:
            raise NotOffered(why=bad.facts["why"]) from None
        _keep(folder / local.FILE, own | {"services": [*others, entry]})
    return service


@contextmanager
def _alone(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what `told_of` returns, and let nobody else change *folder* meanwhile."""
    told_of(folder)
    with permissions.alone(folder):
        yield told_of(folder)


def told_of(folder: Path) -> dict[str, Any]:
    """Return what the gateway's file in *folder* says; raise `NotBegun`, or `NotByInit` where `begin` made it not."""
    found = file_of(folder)
    if "address" not in found:
        raise NotByInit(folder=folder)
    return found


def file_of(folder: Path) -> dict[str, Any]:
    """Return what the file of any gateway in *folder* says; raise `NotBegun` or `BadGatewayFile`."""
    path = folder / local.FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise NotBegun(folder=folder) from None
    except ValueError:
        raise local.BadGatewayFile(file=path, why=said("it is not well formed")) from None
    return found


def _keep(path: Path, data: Mapping[str, Any]) -> None:
    write_durably(path, json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n", mode=0o644)
