"""Documents sealed and checked: PDF signatures of the form PAdES B-B, with ECDSA on curve P-256 and SHA-256."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from onedoor.kernel.errors import OnedoorError
from onedoor.signing import cms, detached
from onedoor.signing.certificates import common_name
from onedoor.signing.envelope import open_envelope
from onedoor.signing.keys import PrivateKey
from onedoor.signing.verdict import Reason, Refused, Verdict

FIELD = "Seal"
LIMIT = 20 * 1024 * 1024

_LONGEST_SIGNATURE = 72  # of ECDSA on P-256, as DER


class KeyDoesNotFit(OnedoorError):
    """The key is not that of the certificate of {subject}. Put back the key and certificate that belong together."""


@dataclass(frozen=True)
class Place:
    """Where readers show the seal: a page counted from 0 and a box in points from its lower left corner."""

    page: int
    box: tuple[int, int, int, int]


def sign_pdf(
    pdf: bytes,
    key: PrivateKey,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate] = (),
    *,
    reason: str = "",
    location: str = "",
    name: str = "",
    moment: datetime | None = None,
    place: Place | None = None,
) -> bytes:
    """Return *pdf* sealed with *key* so that no change is allowed any more, at *moment* (now) as its signer says.

    *chain* are the authorities between *certificate* and its root, without the root. With *place* readers can click
    the seal there; what is seen there is drawn by the document itself.
    """
    if key.public_key() != certificate.public_key():
        raise KeyDoesNotFit(subject=common_name(certificate))
    from onedoor.signing.embedding import Field, embed

    page, box = (place.page, place.box) if place else (0, None)
    field = Field(FIELD, moment or datetime.now(UTC), name, reason, location, page, box)
    room = len(cms.container(bytes(32), certificate, chain, bytes(_LONGEST_SIGNATURE)))

    def container(digest: bytes) -> bytes:
        signature = detached.sign(key, cms.attributes(digest, certificate))
        return cms.container(digest, certificate, chain, signature)

    return embed(pdf, field, room, container)


def check_pdf(pdf: bytes, trust: Sequence[x509.Certificate], *, moment: datetime | None = None) -> Verdict:
    """Return whether *pdf* is sealed as a whole by someone certified by the roots *trust*, in force at *moment* (now).

    First every byte is accounted for (`envelope`), then pyHanko reads the file and gives its own opinion; the file is
    valid when both agree.
    """
    at = moment or datetime.now(UTC)
    try:
        if len(pdf) > LIMIT:
            raise Refused(Reason.TOO_LARGE)
        envelope = open_envelope(pdf, trust)
        from onedoor.signing.opinion import second_opinion

        return second_opinion(pdf, envelope, trust, at)
    except Refused as refused:
        return Verdict(valid=False, reasons=(refused.reason,))
