"""Whether a container is from whom it says: certificates, OCSP and time-stamps against a configuration."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from onedoor.exchange.evidence.configuration import Authority, Instance
from onedoor.exchange.evidence.messages import Message
from onedoor.exchange.evidence.profiles import PROFILES
from onedoor.exchange.evidence.reasons import Reason
from onedoor.signing.asice.findings import Finding
from onedoor.signing.asice.revocation import Response
from onedoor.signing.asice.timestamps import TimeStamp
from onedoor.signing.certificates import issued
from onedoor.signing.status import SKEW


@dataclass(frozen=True)
class _Path:
    """A certificate, those above it up to the approved one, and the authority they belong to."""

    certificates: tuple[x509.Certificate, ...]
    authority: Authority


def check(
    signer: x509.Certificate,
    stamp: TimeStamp,
    responses: Sequence[Response],
    message: Message,
    instances: Mapping[str, Instance],
) -> Iterator[Finding]:
    """Yield why *message*, signed with *signer* and stamped with *stamp*, is not trusted under *instances*."""
    instance = instances.get(message.instance)
    if instance is None:
        yield Finding(Reason.NO_INSTANCE, {"instance": message.instance})
        return
    yield from instance.faults
    yield from _time_stamp(stamp, instances, instance)
    if not _usage(signer, "content_commitment"):
        yield Finding(Reason.NOT_FOR_SIGNING)
    path = next((one for authority in instance.authorities for one in _paths(signer, authority)), None)
    if path is None:
        yield Finding(Reason.UNKNOWN_AUTHORITY)
        return
    yield from _member(path, message)
    yield from _in_force(path.certificates, stamp.moment)
    for certificate, issuer in pairwise(path.certificates):
        about = [one for one in responses if one.speaks_of(certificate, issuer)]
        yield from _status(about, path.authority, (certificate, issuer), stamp.moment, instance.freshness)


def approving(stamp: TimeStamp, instances: Mapping[str, Instance], sender: Instance) -> list[Instance]:
    """Return whose configurations approve the authority of *stamp*, the *sender*'s first, and those to be believed."""
    found = [one for one in instances.values() if stamp.certificate in one.time_stampers]
    return sorted(found, key=lambda one: (bool(one.faults), one is not sender))


def _time_stamp(stamp: TimeStamp, instances: Mapping[str, Instance], sender: Instance) -> Iterator[Finding]:
    first = next(iter(approving(stamp, instances, sender)), None)
    if stamp.certificate is None or first is None:
        yield Finding(Reason.UNKNOWN_TIME_STAMPER)
        return
    if first is not sender:
        yield from first.faults
    if first.faults or not _extended(stamp.certificate, ExtendedKeyUsageOID.TIME_STAMPING):
        yield Finding(Reason.UNKNOWN_TIME_STAMPER)
        return
    yield from _in_force((stamp.certificate,), stamp.moment)


def _paths(signer: x509.Certificate, authority: Authority) -> Iterator[_Path]:
    """Yield the ways from *signer* up to the top of *authority*, through approved certificates only, each once."""
    ways: list[tuple[x509.Certificate, ...]] = [(signer,)]
    left = list(authority.intermediates)
    while ways:
        longer = []
        for way in ways:
            if issued(authority.top, way[-1]):
                yield _Path((*way, authority.top), authority)
            found = [above for above in left if issued(above, way[-1])]
            longer += [(*way, above) for above in found]
            left = [one for one in left if one not in found]
        ways = longer


def _member(path: _Path, message: Message) -> Iterator[Finding]:
    profile = PROFILES.get(path.authority.profile)
    if profile is None:
        yield Finding(Reason.UNKNOWN_PROFILE, {"profile": path.authority.profile})
        return
    member = profile(path.certificates[0].subject, message.instance)
    if member != message.sender:
        yield Finding(Reason.OTHER_MEMBER, {"sender": message.sender, "member": member or "—"})


def _in_force(certificates: tuple[x509.Certificate, ...], moment: datetime) -> Iterator[Finding]:
    for one in certificates:
        if not one.not_valid_before_utc <= moment <= one.not_valid_after_utc:
            yield Finding(Reason.NOT_IN_FORCE, _named(one))


def _status(
    about: Sequence[Response],
    authority: Authority,
    pair: tuple[x509.Certificate, x509.Certificate],
    moment: datetime,
    freshness: int,
) -> Iterator[Finding]:
    """Yield why the responses *about* the first of *pair*, issued by the second, do not prove it good at *moment*."""
    certificate, issuer = pair
    named = _named(certificate)
    if not about:
        yield Finding(Reason.NO_OCSP, named)
    for one in about:
        if one.status != "good":
            yield Finding(Reason.OCSP_NOT_GOOD, named)
        old = (moment - one.this_update).total_seconds() > freshness
        if old or (one.next_update is not None and one.next_update < moment):
            yield Finding(Reason.OCSP_OLD, named)
        if one.this_update - moment > SKEW:
            yield Finding(Reason.OCSP_LATE, named)
        if not _allowed(one, issuer, authority):
            yield Finding(Reason.OCSP_SIGNER, named)


def _allowed(response: Response, issuer: x509.Certificate, authority: Authority) -> bool:
    """Return whether *issuer* itself, a responder the configuration names for it, or a delegate of it signed."""
    named = (issuer, *authority.responders.get(issuer, ()))
    for one in (*named, *response.carried):
        delegate = issued(issuer, one) and _extended(one, ExtendedKeyUsageOID.OCSP_SIGNING)
        in_force = one.not_valid_before_utc <= response.produced_at <= one.not_valid_after_utc
        if response.names(one) and (one in named or delegate) and in_force and response.signed_by(one):
            return True
    return False


def _named(certificate: x509.Certificate) -> dict[str, str]:
    """Return which certificate is meant, without the name of its holder."""
    return {"certificate": f"{certificate.serial_number:x}, {certificate.issuer.rfc4514_string()}"}


def _usage(certificate: x509.Certificate, name: str) -> bool:
    try:
        return bool(getattr(certificate.extensions.get_extension_for_class(x509.KeyUsage).value, name))
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False


def _extended(certificate: x509.Certificate, purpose: x509.ObjectIdentifier) -> bool:
    try:
        return purpose in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
