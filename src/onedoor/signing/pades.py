"""Documents sealed, made to last and checked: PAdES signatures (B-B to B-LTA) with ECDSA on P-256 and SHA-256."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Protocol

from cryptography import x509

from onedoor.kernel.errors import OnedoorError, Unavailable
from onedoor.kernel.said import said
from onedoor.signing import archive, cms, detached, judgement
from onedoor.signing import trust as trusting
from onedoor.signing.certificates import common_name
from onedoor.signing.envelope import Opened, open_file
from onedoor.signing.keys import Signer
from onedoor.signing.stamps import NoTimeStamp
from onedoor.signing.status import Status
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Reason, Refused, Verdict

FIELD = "Seal"
LIMIT = 20 * 1024 * 1024

_LONGEST_SIGNATURE = 72  # of ECDSA on P-256, as DER
_TRIES = 3


class KeyDoesNotFit(OnedoorError):
    """The key is not that of the certificate of {subject}. Put back the key and certificate that belong together."""


class CertificateRevoked(OnedoorError):
    """The certificate of {subject} is revoked, so it seals nothing more. Ask its operator for a new one."""


class NoStatus(Unavailable):
    """Nobody tells whether the certificate of {who} is revoked. Nothing is lost; its authority is asked again."""


class Stamper(Protocol):
    """A time-stamp authority: gives tokens of at most *room* bytes, as far as is known."""

    room: int

    def stamp(self, stamped: bytes) -> bytes:
        """Return the token over *stamped*."""


@dataclass(frozen=True)
class Place:
    """Where readers show the seal: a page counted from 0 and a box in points from its lower left corner."""

    page: int
    box: tuple[int, int, int, int]


class _Larger(Exception):
    """The token is larger than the room that was kept for it."""


def sign_pdf(
    pdf: bytes,
    key: Signer,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate] = (),
    *,
    reason: str = "",
    location: str = "",
    name: str = "",
    moment: datetime | None = None,
    place: Place | None = None,
    stamper: Stamper | None = None,
) -> bytes:
    """Return *pdf* sealed with *key* so that no change is allowed any more, at *moment* (now) as its signer says.

    *chain* are the authorities between *certificate* and its root, without the root. With *place* readers can click
    the seal there; what is seen there is drawn by the document itself. With *stamper* the signature is time-stamped.
    """
    if key.public_key() != certificate.public_key():
        raise KeyDoesNotFit(subject=common_name(certificate))
    from onedoor.signing.embedding import Field, embed

    page, box = (place.page, place.box) if place else (0, None)
    field = Field(FIELD, (moment or datetime.now(UTC)).astimezone(UTC), name, reason, location, page, box)

    def made(room: int) -> bytes:
        def container(digest: bytes) -> bytes:
            signature = detached.sign(key, cms.attributes(digest, certificate))
            token = _token(stamper, signature, room) if stamper else b""
            return cms.container(digest, certificate, chain, signature, token)

        largest = cms.container(bytes(32), certificate, chain, bytes(_LONGEST_SIGNATURE), bytes(room))
        return embed(pdf, field, len(largest), container)

    return _with_room(stamper, made) if stamper else made(0)


def make_last(pdf: bytes, trust: Trust, stamper: Stamper) -> bytes:
    """Return *pdf* with what proves its last signature or time-stamp, under a new time-stamp over all of it (B-LTA).

    Raise `Refused` when its seal does not hold or nothing can be added, `CertificateRevoked`, and `NoStatus` when an
    authority does not answer.
    """
    opened = open_file(pdf, trust.roots)
    if opened.standing is None:
        raise Refused(Reason.DAMAGED)
    evidence, standing = _evidence(opened, trust), opened.standing

    def made(room: int) -> bytes:
        update = archive.update(standing, evidence, room)
        return pdf + update.filled(_token(stamper, pdf + update.head + update.tail, room))

    return _with_room(stamper, made)


def lasts_until(pdf: bytes, trust: Trust) -> datetime:
    """Return until when *pdf* proves itself: the end of its last time-stamp's certificate; raise `Refused`."""
    return judgement.lasts_until(open_file(pdf, trust.roots))


def check_pdf(pdf: bytes, trust: Trust, *, moment: datetime | None = None, twice: bool = True) -> Verdict:
    """Return whether *pdf* is sealed by someone certified by the roots of *trust*, at *moment* (now).

    First every byte is accounted for (`envelope`) and judged (`judgement`); then, when asked *twice*, pyHanko reads the
    file and gives its own opinion. The file is valid when both agree.
    """
    at = moment or datetime.now(UTC)
    try:
        if len(pdf) > LIMIT:
            raise Refused(Reason.TOO_LARGE)
        opened = open_file(pdf, trust.roots)
        verdict = judgement.judge(opened, trust, at)
        return _agreed(verdict, pdf, opened, trust, at) if verdict.valid and twice else verdict
    except Refused as refused:
        return Verdict(valid=False, reasons=(refused.reason,))


def _agreed(verdict: Verdict, pdf: bytes, opened: Opened, trust: Trust, at: datetime) -> Verdict:
    from onedoor.signing import opinion

    if opinion.agrees(pdf, opened, trust, at):
        return verdict
    return replace(verdict, valid=False, reasons=(Reason.DISPUTED,))


def _evidence(opened: Opened, trust: Trust) -> archive.Evidence:
    """Return what *opened* does not carry yet of what proves its last time-stamp, and first of all its seal."""
    envelope = opened.envelope
    paths = [judgement.stamp_path(opened.stamps[-1], opened, trust)] if opened.stamps else []
    if not opened.responses:
        paths.insert(0, trusting.path(envelope.signer, envelope.others, trust.roots))
    certificates: dict[bytes, None] = {}
    responses: dict[bytes, None] = {}
    for path in paths:
        if not path:
            raise Refused(Reason.STAMP_UNTRUSTED)
        for certificate, issuer in pairwise(path):
            told = _status(certificate, issuer, trust)
            certificates |= {cms.der(issuer): None, cms.der(told.responder): None}
            responses[told.der] = None
    known = {cms.der(one) for one in opened.certificates}
    return archive.Evidence(
        tuple(one for one in certificates if one not in known),
        tuple(one for one in responses if one not in opened.responses),
    )


def _status(certificate: x509.Certificate, issuer: x509.Certificate, trust: Trust) -> Status:
    told = trust.status(certificate, issuer)
    if told is None:
        raise NoStatus(who=common_name(certificate))
    if told.revoked:
        raise CertificateRevoked(subject=common_name(certificate))
    return told


def _token(stamper: Stamper, stamped: bytes, room: int) -> bytes:
    token = stamper.stamp(stamped)
    if len(token) > room:
        raise _Larger
    return token


def _with_room(stamper: Stamper, made: Callable[[int], bytes]) -> bytes:
    """Return what *made* makes with room for a token; once more when the authority's tokens turn out to be larger."""
    for _ in range(_TRIES):
        try:
            return made(stamper.room)
        except _Larger:
            continue
    raise NoTimeStamp(who="", why=said("its tokens grow with each answer"))
