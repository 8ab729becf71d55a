"""A sealed PDF read strictly, before any PDF reader touches the file: every byte is accounted for.

A byte of the sealed part is either inside the signed range, or one of the characters of the signature's only spelling
(`cms`). What follows are updates in their only spelling (`archive`), each covered by its time-stamp. So no byte can
change unseen, and what no trusted agency signed never reaches the PDF reader.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms as asn1  # type: ignore[import-untyped]
from cryptography import x509

from onedoor.signing import archive, cms, stamps, trust
from onedoor.signing.archive import Standing
from onedoor.signing.detached import verify
from onedoor.signing.schemes import load_certificate
from onedoor.signing.stamps import Stamp
from onedoor.signing.verdict import Reason, Refused

_RANGE = b"/ByteRange"
_SEAL = re.compile(rb"\n/Contents <((?:[0-9A-F]{2})+)>\n/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\] *\n")
"""A container and what is signed around it, as `embedding` writes them; no text of a document stands over lines so."""
_MOMENT = re.compile(rb"\n/M \(D(?::|\\072)(\d{14})Z\)\n")
_LONG_FORM = 0x80
MOST_STAMPS = 64
"""Time-stamps of one file: more than two lifetimes of renewals, and few enough to be checked."""


@dataclass(frozen=True)
class Envelope:
    """What a signature says: the digest it signs, the signer's certificate, the others and the token sent along."""

    digest: bytes
    signature: bytes
    signer: x509.Certificate
    others: tuple[x509.Certificate, ...]
    token: bytes


@dataclass(frozen=True)
class Opened:
    """A file whose seal holds: its time-stamps (over the signature, then over the file) and the evidence with them.

    *signed_at* is what the signer says; *standing* where it ends, nothing when it was not made to be added to.
    """

    envelope: Envelope
    sealed: bytes
    signed_at: datetime | None
    stamps: tuple[Stamp, ...]
    certificates: tuple[x509.Certificate, ...]
    responses: tuple[bytes, ...]
    standing: Standing | None


def sealed_part(pdf: bytes) -> bytes:
    """Return *pdf* up to the end of its first signature: the document as its agency sealed it; all, if there is none.

    Its digest stays the same whatever time-stamps follow.
    """
    found = _seal(pdf)
    return pdf[: int(found[3]) + int(found[4])] if found else pdf


def _seal(pdf: bytes) -> re.Match[bytes] | None:
    """Return where the first container of *pdf* stands that says itself where it does."""
    around = ((one, (one.start(1) - 1, one.end(1) + 1)) for one in _SEAL.finditer(pdf))
    return next((one for one, hole in around if (int(one[2]), int(one[3])) == hole), None)


def open_file(pdf: bytes, roots: Sequence[x509.Certificate]) -> Opened:
    """Return what *pdf* holds when its seal covers and fits its sealed part and leads to one of *roots*.

    Whatever follows must be time-stamps that hold; whose they are is asked later. Raise `Refused` when not.
    """
    sealed = sealed_part(pdf)
    envelope = open_envelope(sealed, roots)
    found: list[Stamp] = []
    evidence: list[archive.Evidence] = []
    if envelope.token:
        found.append(_stamp(envelope.token, envelope.signature))
    at = archive.standing(sealed)
    if len(pdf) > len(sealed) and at is None:
        raise Refused(Reason.ADDED_AFTER_SIGNING)
    while at is not None and at.length < len(pdf):
        if len(found) == MOST_STAMPS:
            raise Refused(Reason.TOO_LARGE)
        update = archive.read(pdf, at)
        found.append(_stamp(_unpadded(update.token), update.stamped))
        evidence.append(update.evidence)
        at = update.standing
    certificates = [_certificate(der) for one in evidence for der in one.certificates]
    responses = [der for one in evidence for der in one.responses]
    return Opened(envelope, sealed, _moment(sealed), tuple(found), tuple(certificates), tuple(responses), at)


def open_envelope(pdf: bytes, roots: Sequence[x509.Certificate]) -> Envelope:
    """Return the envelope around *pdf* when its signature covers and fits the whole file and leads to one of *roots*.

    Raise `Refused` when not, whatever the file holds.
    """
    signed, container = _split(pdf)
    try:
        found = _parse(container)
        if found.digest != hashlib.sha256(signed).digest():
            raise Refused(Reason.CHANGED)
        if container != cms.container(found.digest, found.signer, found.others, found.signature, found.token):
            raise Refused(Reason.DAMAGED)
        verify(found.signer, cms.attributes(found.digest, found.signer), found.signature)
        _follow(found, roots)
    except Refused:
        raise
    except Exception as broken:  # a hostile certificate may break its reader in any way; each way means: not valid
        raise Refused(Reason.DAMAGED) from broken
    return found


def _stamp(token: bytes, stamped: bytes) -> Stamp:
    found = stamps.read(token, stamped)
    if found is None:
        raise Refused(Reason.STAMP_BROKEN)
    return found


def _moment(sealed: bytes) -> datetime | None:
    """Return when the signer of *sealed* says to have signed, behind its container as `embedding` writes it."""
    seal = _seal(sealed)
    found = _MOMENT.findall(sealed, seal.end(), sealed.find(b"endobj", seal.end())) if seal else []
    try:
        return datetime.strptime(f"{found[0].decode()}Z", "%Y%m%d%H%M%S%z") if len(found) == 1 else None
    except ValueError:
        return None


def _certificate(der: bytes) -> x509.Certificate:
    try:
        return load_certificate(der)
    except (ValueError, TypeError, UserWarning) as broken:
        raise Refused(Reason.DAMAGED) from broken


def _follow(envelope: Envelope, roots: Sequence[x509.Certificate]) -> None:
    """Return when the certificates lead from the signer's to one of *roots*, and each is needed for that."""
    path = trust.path(envelope.signer, envelope.others, roots)
    if not path:
        raise Refused(Reason.UNTRUSTED)
    if len(path) != len(envelope.others) + 2:  # a certificate that proves nothing is not covered by the signature
        raise Refused(Reason.DAMAGED)


def _split(pdf: bytes) -> tuple[bytes, bytes]:
    """Return the signed bytes of *pdf* and its CMS container."""
    found = _seal(pdf)
    if found is None:
        raise Refused(Reason.DAMAGED if _RANGE in pdf else Reason.NOT_SIGNED)
    before, after, rest = (int(number) for number in found.groups()[1:])
    if after + rest != len(pdf):
        raise Refused(Reason.DAMAGED)
    return pdf[:before] + pdf[after:], _unpadded(bytes.fromhex(found[1].decode()))


def _unpadded(padded: bytes) -> bytes:
    """Return the one DER value at the start of *padded*; only zeros may follow."""
    size = padded[1] - _LONG_FORM if padded[1:2] > bytes([_LONG_FORM]) else 0
    length = int.from_bytes(padded[2 : 2 + size] if size else padded[1:2], "big")
    end = 2 + size + length
    if padded[end:].strip(b"\0"):
        raise Refused(Reason.DAMAGED)
    return padded[:end]


def _parse(container: bytes) -> Envelope:
    content = asn1.ContentInfo.load(container, strict=True)["content"]
    info = content["signer_infos"][0]
    digest = next(one["values"][0].native for one in info["signed_attrs"] if one["type"].native == "message_digest")
    carried = content["certificates"]
    if len(carried) > trust.LONGEST_PATH or any(choice.chosen.serial_number < 1 for choice in carried):
        raise Refused(Reason.DAMAGED)
    certificates = [x509.load_der_x509_certificate(choice.chosen.dump()) for choice in carried]
    serial = info["sid"].chosen["serial_number"].native
    signer = next(one for one in certificates if one.serial_number == serial)
    others = tuple(one for one in certificates if one is not signer)
    added = info["unsigned_attrs"]
    token = bytes(added[0]["values"][0].dump()) if len(added or ()) else b""
    return Envelope(digest, info["signature"].native, signer, others, token)
