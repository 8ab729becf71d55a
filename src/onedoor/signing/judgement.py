"""What an opened file is worth at a moment: its time-stamps from the last to the first, then the seal itself.

Each proof must hold at the moment that the one after it proves, the last one now (ETSI EN 319 102-1, 5.6.3).
"""

from datetime import datetime
from itertools import pairwise

from cryptography import x509

from onedoor.signing import status, trust
from onedoor.signing.certificates import common_name, identifier, seals_documents
from onedoor.signing.envelope import Opened
from onedoor.signing.stamps import Stamp
from onedoor.signing.status import SKEW
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason, Refused, Revocation, Verdict


def judge(opened: Opened, trusted: Trust, at: datetime) -> Verdict:
    """Return the verdict on *opened* at the moment *at*."""
    signer, signed_at = opened.envelope.signer, opened.signed_at
    reasons, revocation, revoked = [], Revocation.UNKNOWN, None
    try:
        proven = _proven(opened, trusted, at)
        path = trust.path(signer, opened.envelope.others, trusted.roots)
        if not all(in_force(one, proven) for one in path[:-1]):
            reasons.append(Reason.NOT_IN_FORCE)
        if signed_at is None:
            reasons.append(Reason.DAMAGED)
        elif signed_at > proven + SKEW:
            reasons.append(Reason.STAMP_ORDER)
        elif not in_force(signer, signed_at):
            reasons.append(Reason.NOT_IN_FORCE)
        revocation, revoked = _revocation(path, opened, trusted, proven)
        if revoked and revocation != Revocation.LATER:
            reasons.append(Reason.REVOKED)
    except Refused as refused:
        reasons.append(refused.reason)
    if not seals_documents(signer):
        reasons.append(Reason.NOT_A_SEAL)
    first = opened.stamps[0] if opened.stamps else None
    return Verdict(
        valid=not reasons,
        signer=common_name(signer),
        reasons=tuple(dict.fromkeys(reasons)),
        signed_at=signed_at,
        agency=identifier(signer),
        proven_at=first.moment if first else None,
        proven_by=first.authority if first else "",
        lasts_until=lasts_until(opened),
        revocation=revocation,
        revoked_at=revoked,
    )


def lasts_until(opened: Opened) -> datetime:
    """Return when the certificate ends of the last time-stamp of *opened*, or of its seal when it has none."""
    last = opened.stamps[-1].certificate if opened.stamps else opened.envelope.signer
    return last.not_valid_after_utc


def in_force(certificate: x509.Certificate, moment: datetime) -> bool:
    """Return whether *certificate* is in force at *moment*; of a trusted root nobody asks (RFC 5280, 6.1)."""
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def _proven(opened: Opened, trusted: Trust, at: datetime) -> datetime:
    """Return the moment from which *opened* is proven to have been sealed; raise `Refused` when a proof fails."""
    moment = at
    for stamp in reversed(opened.stamps):
        path = stamp_path(stamp, opened, trusted)
        if not path:
            raise Refused(Reason.STAMP_UNTRUSTED)
        if stamp.moment > moment + SKEW or not in_force(stamp.certificate, stamp.moment):
            raise Refused(Reason.STAMP_ORDER)
        ended = not all(in_force(one, moment) for one in path[:-1])
        _, revoked = _revocation(path, opened, trusted, moment)
        if ended or (revoked and revoked <= moment):
            raise Refused(Reason.STAMP_ENDED)
        moment = min(moment, stamp.moment)
    return moment


def stamp_path(stamp: Stamp, opened: Opened, trusted: Trust) -> tuple[x509.Certificate, ...]:
    """Return the certificates of *stamp* up to a trusted root; nothing when there is none, or one too many."""
    path = trust.path(stamp.certificate, (*stamp.others, *opened.certificates), trusted.stamping)
    return path if all(one in path for one in stamp.others) else ()


def told_now(opened: Opened, trusted: Trust, at: datetime) -> list[bytes]:
    """Return what the authorities of every certificate that *opened* rests on tell now (OCSP responses, DER).

    Those that have ended *at* this moment are left out: what is told of them now says nothing of their time.
    """
    paths = [trust.path(opened.envelope.signer, opened.envelope.others, trusted.roots)]
    paths += [stamp_path(stamp, opened, trusted) for stamp in opened.stamps]
    pairs = [pair for path in paths for pair in pairwise(path)]
    told = [
        trusted.status(certificate, issuer) for certificate, issuer in dict.fromkeys(pairs) if in_force(certificate, at)
    ]
    return [one.der for one in told if one]


def _revocation(
    path: tuple[x509.Certificate, ...], opened: Opened, trusted: Trust, moment: datetime
) -> tuple[Revocation, datetime | None]:
    """Return what is known of *path* at *moment*, and since when one of its certificates is revoked.

    The file itself tells what was so then, the authorities what is so now; the earliest revocation counts.
    """
    known = []
    for certificate, issuer in pairwise(path):
        kept = status.first(opened.responses, certificate, issuer, moment)
        known.append([one for one in (kept, trusted.status(certificate, issuer)) if one])
    revoked = min((one.revoked for told in known for one in told if one.revoked), default=None)
    if revoked:
        return (Revocation.LATER if revoked > moment else Revocation.UNKNOWN), revoked
    return (Revocation.GOOD if all(known) else Revocation.UNKNOWN), None
