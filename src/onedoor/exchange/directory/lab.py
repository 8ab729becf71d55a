"""A whole nation for development, on one computer or one for each agency.

Makes keys, certificates, signed configuration, grants and seals.

Safe to run again: what is whole is kept, what a kill left unfinished is finished. Every file is written beside its
place and renamed. Each member has an authority of its own for the links inside (system and gateway), so that a
system accepts nobody but its own gateway; gateways know each other by the authority of the nation.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from onedoor.exchange import domain, parameters, permissions
from onedoor.exchange.directory import authorities, journal, publishing, rights
from onedoor.exchange.directory.layout import EXCHANGE, GATEWAYS, HOST, Layout, Seat
from onedoor.exchange.gateway import identities, local
from onedoor.exchange.granting import ASKS, DECISIONS
from onedoor.exchange.permissions import Grant, Permission
from onedoor.kernel.durable import write_whole
from onedoor.kernel.nation import Agency, Nation
from onedoor.signing import development, holders
from onedoor.signing.certificates import (
    AUTHORITY_NAME,
    Authority,
    CertificateNotTrusted,
    Profile,
    Subject,
    fingerprint,
    load_certificates,
    pem,
    status_address,
    trusted,
)
from onedoor.signing.keys import load_key, new_key, save_key

NAMES = (HOST, "localhost")
RENEW_BEFORE = timedelta(days=30)
DAYS = 365


def environments(
    nation: Nation, var: Path, base_port: int, hosts: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """Return the environment of every process by its name, without database and secrets."""
    return Layout(nation, var, base_port, hosts or {}).environments()


def provision(nation: Nation, var: Path, base_port: int, hosts: Mapping[str, str] | None = None) -> None:
    """Make everything under *var* that the processes of *nation* need to know and trust each other.

    *hosts* gives for a member's id the address of its own computer; without it, all are on this one.
    """
    layout = Layout(nation, var, base_port, hosts or {})
    authority = Authority.open(layout.directory / authorities.CA)
    _authorities(authority, layout)
    anchor = _identity(authority, layout.directory / "signing", _of(f"{nation.id} directory"), "sign")
    seats, registered = list(layout.seats()), journal.gateways(layout.directory)
    for seat in seats:
        _system(layout, seat)
        for one in seat.gateways:
            _gateway(layout, one, authority, anchor, registered)
        if not seat.foreign:
            _seals(authority, layout, seat)
    allowed = list(rights.permissions(nation.path))
    content = _content(layout, seats, authority, allowed)
    write(layout.directory / publishing.CONTENT, json.dumps(content, ensure_ascii=False, indent=1).encode())
    signed = publishing.Publisher(layout.directory).publish()
    for seat in seats:
        for one in seat.gateways:
            write(one.gateway_state / local.CONFIGURATION, signed)
        grant(seat, allowed)


def _system(layout: Layout, seat: Seat) -> None:
    authority = _inner(layout, seat)
    _identity(authority, seat.state / "tls", _of(seat.member.subsystem), "tls")
    write(seat.state / "tls-trust.pem", pem([authority.certificate]))


def _gateway(
    layout: Layout, seat: Seat, authority: Authority, anchor: Certificate, registered: Collection[str]
) -> None:
    """Make what is missing of a gateway; one that registered has keys and certificates of its own."""
    folder, inner = seat.gateway_state, _inner(layout, seat)
    if seat.gateway_id not in registered:
        _identity(authority, folder / local.OUTER, _of(seat.gateway_id), "tls")
        _identity(
            authority,
            folder / "signing",
            _signer(layout, seat),
            "message",
            status=layout.ocsp,
            former=identities.FORMER,
        )
        write(folder / f"{local.OUTER}-trust.pem", pem([authority.certificate]))
    _identity(inner, folder / local.INNER, _of(seat.gateway_id), "tls")
    write(folder / f"{local.INNER}-trust.pem", pem([inner.certificate]))
    write(folder / local.ANCHOR, pem([anchor]))
    if not (folder / local.LOG_KEY).exists():
        write(folder / local.LOG_KEY, secrets.token_bytes(local.LOG_KEY_BYTES), private=True)
    root, system = f"https://{seat.address(EXCHANGE)}", fingerprint(load_certificates(seat.state / "tls.pem")[0])
    services = [offered(offer, root, system) for offer in _offers(layout, seat)]
    directory = f"http://{layout.directory_address}/configuration"
    data: dict[str, Any] = {"id": seat.gateway_id, "directory": directory, "services": services}
    keep_chosen(folder / local.FILE, data)
    write(folder / local.FILE, json.dumps(data, indent=1).encode())
    if seat.second:
        _share(seat)


def _share(seat: Seat) -> None:
    """Let a second gateway read what the first one's operator decides."""
    first = replace(seat, second=False).gateway_state
    for name in (local.GRANTS, local.GROUPS, ASKS, DECISIONS, local.DESCRIPTIONS):
        path = seat.gateway_state / name
        if not path.is_symlink():
            path.symlink_to(Path("..") / first.name / name)


def keep_chosen(path: Path, data: dict[str, Any]) -> None:
    """Put into *data* what the operator wrote into the gateway's file at *path*: how systems connect, limits."""
    before: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if connections := before.get("connections"):
        data["connections"] = connections
    known = {one["service"]: one for one in before.get("services", ())}
    for service in data["services"]:
        chosen = known.get(service["service"], {})
        service |= {name: chosen[name] for name in local.CHOSEN if name in chosen}


def _offers(layout: Layout, seat: Seat) -> list[rights.Offer]:
    return list(rights.offers(layout.nation.path, seat.member, portal=seat.place == 0))


def offered(offer: rights.Offer, root: str, system: str) -> dict[str, Any]:
    """Return an offer as its gateway reads it: reached below *root*, at the node whose certificate is *system*."""
    code = offer.service.rpartition("/")[2]
    split = [one.partition(" ") for one in offer.endpoints]
    return {
        "service": offer.service,
        "url": f"{root}/exchange/{code}",
        "system": system,
        "endpoints": [{"method": method, "path": path} for method, _, path in split],
        "description": offer.description,
    }


def listed(offer: rights.Offer) -> dict[str, str]:
    """Return an offer as the directory publishes it."""
    return {"code": offer.service.rpartition("/")[2], "kind": "OPENAPI" if offer.description else "REST"}


def _authorities(authority: Authority, layout: Layout) -> None:
    """Give the development authority its time-stamper and its OCSP responder."""
    stamper, responder = (layout.directory / name for name in (authorities.TSA, authorities.OCSP))
    stamps, tells = (Subject(name, name) for name in (development.STAMP_NAME, development.STATUS_NAME))
    _identity(authority, stamper, stamps, "stamp", status=layout.ocsp)
    _identity(authority, responder, tells, "status")


def _seals(authority: Authority, layout: Layout, seat: Seat) -> None:
    """Give every authority that works on this system the key it signs its documents with."""
    folder, nation = seat.state / "seals", layout.nation
    for agency in nation.agencies.values():
        if agency.member == seat.member.id:
            seal(authority, folder, agency, nation, layout.ocsp)
    write(folder / "trust.pem", pem([authority.certificate]))
    write(folder / "tsa-trust.pem", pem([authority.certificate]))


def seal(
    authority: Authority, folder: Path, agency: Agency, nation: Nation, status: str, *, anew: bool = False
) -> None:
    """Give *agency* a key and a certificate in *folder*, unless it has them; others instead when *anew*."""
    key = holders.prepare(folder, agency.id) if anew else holders.key(folder, agency.id)
    certificate = folder / f"{agency.id}.pem"
    if certificate.exists() and not anew:
        found = load_certificates(certificate)[0]
        if found.public_key() == key.public_key() and _lasting(found, authority) and status_address(found) == status:
            return
    subject = Subject(agency.id, agency.name[nation.languages[0]], agency.id, nation.id)
    issued = authority.issue(subject, key.public_key(), "seal", days=DAYS, status=status)
    holders.install(folder, agency.id, (issued,))


def _content(
    layout: Layout, seats: Sequence[Seat], authority: Authority, allowed: Iterable[Permission]
) -> dict[str, Any]:
    stamper, responder = (_pem(layout.directory / f"{name}.pem") for name in (authorities.TSA, authorities.OCSP))
    return {
        "instance": layout.nation.id,
        "address": layout.directory_address,
        "operator": seats[0].member.subsystem,
        "authorities": [
            {
                "name": AUTHORITY_NAME,
                "certificate": pem([authority.certificate]).decode(),
                "profile": parameters.PROFILE,
                "responders": [{"url": layout.ocsp, "certificate": responder}],
            }
        ],
        "time_stampers": [{"name": development.STAMP_NAME, "url": layout.tsa, "certificate": stamper}],
        "members": [_member(layout, seat) for seat in seats],
        "gateways": [_published(one) for seat in seats for one in seat.gateways],
        "rights": [one.right() for one in allowed],
        "monitoring": domain.central(layout.nation),
    }


def _member(layout: Layout, seat: Seat) -> dict[str, Any]:
    language = layout.nation.languages[0]
    subsystem = {
        "id": seat.member.subsystem,
        "name": seat.member.subsystem_name[language],
        "systems": [fingerprint(load_certificates(seat.state / "tls.pem")[0])],
        "services": [listed(offer) for offer in _offers(layout, seat)],
    }
    return {"id": seat.member_id, "name": seat.member.name[language], "subsystems": [subsystem]}


def _published(seat: Seat) -> dict[str, Any]:
    folder = seat.gateway_state
    return {
        "id": seat.gateway_id,
        "address": seat.address(GATEWAYS),
        "tls": fingerprint(load_certificates(folder / f"{local.OUTER}.pem")[0]),
        "signing": pem(load_certificates(folder / local.SIGNING_CERTIFICATE)).decode(),
        "clients": [seat.member.subsystem],
    }


def grant(seat: Seat, allowed: Iterable[Permission]) -> None:
    """Let the provider grant, for itself and all its gateways, what the nation's rights allow; what it did stays.

    A system whose every grant for a service was ended gets none anew: that is for the provider's operator to do.
    """
    folder = seat.gateway_state
    path = folder / local.GRANTS
    wanted = [one for one in allowed if one.service.rpartition("/")[0] == seat.member.subsystem]
    now = datetime.now(UTC)
    with permissions.alone(folder):
        own = [load_certificates(one.gateway_state / local.SIGNING_CERTIFICATE) for one in seat.gateways]
        known, _ = permissions.read_grants(path, [certificate for some in own for certificate in some])
        _, wrong = permissions.read_grants(path, [some[0] for some in own])  # what a former key signed is signed anew
        decided = {one.permission for one in known}
        ended = {_whom(one.permission) for one in known} - {_whom(one.permission) for one in known if one.in_force(now)}
        new = [Grant(one, now, None) for one in wanted if one not in decided and _whom(one) not in ended]
        if new or wrong or not path.exists():
            permissions.write_grants(path, [*known, *new], identities.used(folder, identities.SIGNING).key)


def _whom(permission: Permission) -> tuple[str, str]:
    return permission.client, permission.service


def _inner(layout: Layout, seat: Seat) -> Authority:
    return Authority.open(layout.directory / f"ca-{seat.member.id}")


def _of(identifier: str) -> Subject:
    return Subject(identifier, identifier=identifier)


def _signer(layout: Layout, seat: Seat) -> Subject:
    """Return the member as X-Road's Basic profile names it in the certificate that its messages are signed under."""
    name, (_, category, code) = seat.member.name[layout.nation.languages[0]], seat.member_id.split("/")
    return Subject(name, name, code, category=category)


def _pem(path: Path) -> str:
    return pem(load_certificates(path)[:1]).decode()


def _identity(
    authority: Authority, path: Path, subject: Subject, profile: Profile, *, status: str = "", former: int = 0
) -> Certificate:
    """Return the certificate at *path*.pem for the key at *path*.key; make what is missing, renew what does not fit.

    So many of its *former* certificates are kept behind it.
    """
    key_path, certificate_path = path.with_name(f"{path.name}.key"), path.with_name(f"{path.name}.pem")
    if not key_path.exists():
        save_key(key_path, new_key())
    public = load_key(key_path).public_key()
    known = load_certificates(certificate_path) if certificate_path.exists() else ()
    if known:
        found = known[0]
        fits = found.public_key() == public and found.subject == subject.x509() and status_address(found) == status
        if fits and _lasting(found, authority):
            return found
    names = NAMES if profile == "tls" else ()
    certificate = authority.issue(subject, public, profile, names=names, status=status, days=DAYS)
    write(certificate_path, pem([certificate, *known[:former]]))
    return certificate


def _lasting(certificate: Certificate, authority: Authority) -> bool:
    """Return whether *authority* issued *certificate* and it need not be renewed yet."""
    try:
        trusted(certificate, [authority.certificate], moment=datetime.now(UTC) + RENEW_BEFORE)
    except CertificateNotTrusted:
        return False
    return True


def write(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write *data* to *path*, whole or not at all; leave a file that already holds it alone."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data, mode=0o600 if private else 0o644)
