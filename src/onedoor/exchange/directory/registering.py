"""A registration as the directory's operator gets it: did both its keys sign it, and may it be taken in."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.x509 import Certificate, load_pem_x509_certificate

from onedoor.exchange import identifiers, parameters, permissions
from onedoor.exchange.directory.authorities import Authorities
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.joining import FORMAT, REGISTRATION
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.signing import detached
from onedoor.signing.authorities import Responders
from onedoor.signing.certificates import commits, fingerprint, issued, pem, status_address
from onedoor.signing.schemes import load_pem

LARGEST, LONGEST = 262_144, 400
"""Bytes of a registration, and signs of a text in it."""
SYSTEMS, SERVICES, SHOWN = 100, 200, 200
"""Systems of a registration, and services of each and certificates that it may show."""
KINDS = ("REST", "OPENAPI")
_SHOWN = re.compile(r"[0-9a-f]{64}")


class BadRegistration(OnedoorError):
    """This registration cannot be taken in: {why}. Nothing was changed."""


def check(told: Mapping[str, Any], content: Mapping[str, Any], now: datetime, own: Authorities) -> None:
    """Raise `BadRegistration` unless what is *told* fits what the directory says, and its certificates count.

    Whether those of the directory's *own* authority are revoked is known here, and no network is asked.
    """
    tls, signing = certificates(told)
    _check_identifiers(told, content)
    _check_certificates(told, tls, signing, content["authorities"], now)
    for certificate, what in ((tls, said("TLS")), (signing, said("signatures"))):
        _check_status(certificate, what, content["authorities"], own)
    _check_places(told, fingerprint(tls), content)


def read(raw: bytes) -> dict[str, Any]:
    """Return what a registration says, once both its keys signed it; raise `BadRegistration`."""
    if len(raw) > LARGEST:
        raise BadRegistration(why=said("it is longer than {most} bytes", most=LARGEST))
    try:
        told = json.loads(raw)
        data: dict[str, Any] = told[REGISTRATION]
        tls, signing = certificates(data)
        permissions.verify(REGISTRATION, told, signing)
        permissions.verify(REGISTRATION, {**told, permissions.SIGNATURE: told["possession"]}, tls)
        made = {
            "format": data["format"],
            "gateway": _text(data["gateway"]),
            "address": _text(data["address"]),
            "tls": pem([tls]).decode(),
            "signing": pem([signing]).decode(),
            "member": {name: _text(data["member"][name]) for name in ("id", "name")},
            "subsystems": [_system(one) for one in _some(data["subsystems"], SYSTEMS)],
            "moment": _moment(data["moment"]),
        }
    except detached.BadSignature:
        raise BadRegistration(why=said("the keys that it names did not sign it")) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadRegistration(why=said("it is not well formed")) from None
    if made["format"] != FORMAT:
        raise BadRegistration(why=said("its format is not known here"))
    return made


def _system(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _text(data["id"]),
        "name": _text(data["name"]),
        "systems": [_shown(one) for one in _some(data["systems"], SHOWN)],
        "services": [_service(data["id"], one) for one in _some(data["services"], SERVICES)],
    }


def _service(system: str, data: Mapping[str, Any]) -> dict[str, str]:
    code, kind = _text(data["code"]), data["kind"]
    if identifiers.read_identifier(f"{system}/{code}", identifiers.SERVICE) != f"{system}/{code}" or kind not in KINDS:
        raise ValueError("not a service")
    return {"code": code, "kind": kind}


def _shown(value: object) -> str:
    if not isinstance(value, str) or not _SHOWN.fullmatch(value):
        raise ValueError("not a fingerprint")
    return value


def _some(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("not a list, or too long")
    return value


def _moment(value: str) -> str:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.isoformat()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST:
        raise ValueError("not a text")
    return value


def certificates(told: Mapping[str, Any]) -> tuple[Certificate, Certificate]:
    """Return the certificates for TLS and for signatures; raise ValueError, KeyError or AttributeError."""
    tls, signing = (load_pem(told[name].encode())[0] for name in ("tls", "signing"))
    return tls, signing


def _check_identifiers(told: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Raise unless all is of one member of this instance."""
    member = told["member"]["id"]
    try:
        said_ = [member, told["gateway"], *(one["id"] for one in told["subsystems"])]
        sizes = [identifiers.MEMBER, identifiers.SERVER, *(identifiers.SUBSYSTEM for _ in told["subsystems"])]
        known = [identifiers.read_identifier(one, size) for one, size in zip(said_, sizes, strict=True)]
        right = known == said_ and identifiers.is_address(told["address"])
    except ValueError:
        right, known = False, []
    if not right or len({*known[2:]}) != len(known[2:]):
        raise BadRegistration(why=said("it is not well formed"))
    codes = {one["code"] for system in told["subsystems"] for one in system["services"]}
    if reserved := sorted(codes & identifiers.RESERVED):
        raise BadRegistration(
            why=said("gateways answer {code} themselves, so no service may be called so", code=reserved[0])
        )
    if member.split("/")[0] != content["instance"]:
        raise BadRegistration(why=said("it is of another instance than {instance}", instance=content["instance"]))
    if not all(one == member or one.rpartition("/")[0] == member for one in known):
        raise BadRegistration(why=said("it speaks of others than {member}", member=member))


def _check_certificates(
    told: Mapping[str, Any], tls: Certificate, signing: Certificate, authorities: Sequence[Any], now: datetime
) -> None:
    """Raise unless approved authorities issued both certificates, for what they are used here, and name the member."""
    for certificate, what in ((tls, said("TLS")), (signing, said("signatures"))):
        authority = _authority(certificate, authorities)
        if authority is None:
            raise BadRegistration(why=said("no approved authority issued the certificate for {what}", what=what))
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise BadRegistration(why=said("the certificate for {what} is not in force", what=what))
        if certificate is signing:
            _check_name(told, signing, parameters.PROFILE if isinstance(authority, str) else authority["profile"])
    if not commits(signing) or commits(tls):
        raise BadRegistration(why=said("signatures need the key usage contentCommitment, and TLS must not have it"))
    if tls.public_key() == signing.public_key():
        raise BadRegistration(why=said("one key signs and is shown in TLS; each needs its own"))


def _check_status(certificate: Certificate, what: str, authorities: Sequence[Any], own: Authorities) -> None:
    """Raise where it is revoked, or where a responder is named for it and tells nothing.

    Who keeps the responder from answering would otherwise bring in what was revoked.
    """
    authority = _authority(certificate, authorities)
    urls = () if isinstance(authority, str) else [one["url"] for one in authority["responders"]]
    url, issuer = next(iter(urls), "") or status_address(certificate), _of(authority)
    told = own.told(certificate, issuer) or (Responders(url).status(certificate, issuer) if url else None)
    if told and told.revoked:
        raise BadRegistration(why=said("the certificate for {what} is revoked", what=what))
    if url and not told:
        raise BadRegistration(why=said("nobody tells whether the certificate for {what} is revoked", what=what))


def _authority(certificate: Certificate, authorities: Sequence[Any]) -> Any:  # noqa: ANN401 - as it is published
    return next((one for one in authorities if issued(_of(one), certificate)), None)


def _check_name(told: Mapping[str, Any], signing: Certificate, profile: str) -> None:
    reader = PROFILES.get(profile.rpartition(".")[2])
    member = told["member"]["id"]
    if reader is None or reader(signing.subject, member.split("/")[0]) != member:
        raise BadRegistration(
            why=said("the certificate for signatures does not name the member {member}", member=member)
        )


def _check_places(told: Mapping[str, Any], tls: str, content: Mapping[str, Any]) -> None:
    """Raise where another gateway has the key or the address, or another member's one of the systems."""
    own = {one["id"] for one in told["subsystems"]}
    for one in content["gateways"]:
        if one["id"] == told["gateway"]:
            continue
        keys = {one["tls"], one.get("handover", {}).get("tls")}
        if tls in keys or one["address"] == told["address"]:
            raise BadRegistration(why=said("the gateway {gateway} has its key or its address", gateway=one["id"]))
        if (taken := own & set(one["clients"])) and one["id"].rpartition("/")[0] != told["member"]["id"]:
            facts = {"gateway": one["id"], "system": min(taken)}
            raise BadRegistration(why=said("the gateway {gateway} serves {system}", **facts))


def _of(authority: Mapping[str, Any] | str) -> Certificate:
    text = authority if isinstance(authority, str) else authority["certificate"]
    return load_pem_x509_certificate(text.encode())
