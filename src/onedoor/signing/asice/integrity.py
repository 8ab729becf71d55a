"""The check of a container by itself: every digest, hash chain, signature and time-stamp imprint in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from cryptography import x509
from lxml import etree

from onedoor.signing.asice import documents, hashchain, revocation, timestamps, xades
from onedoor.signing.asice.algorithms import digest_name
from onedoor.signing.asice.container import LARGEST_MESSAGE, Container, Outside
from onedoor.signing.asice.findings import Broken, Finding, Reason
from onedoor.signing.asice.names import (
    ASIC_MANIFEST,
    DS,
    MANIFEST,
    MESSAGE,
    MIMETYPE,
    MIMETYPE_ENTRY,
    SIGNATURES,
    SIGNED_RESULT,
    STAMPED_RESULT,
    TOKEN,
)
from onedoor.signing.asice.revocation import Response
from onedoor.signing.asice.timestamps import TimeStamp
from onedoor.signing.asice.xades import Signature
from onedoor.signing.schemes import digest, same

_SIGNED_BY_NOTHING = {MIMETYPE_ENTRY, SIGNATURES, TOKEN, MANIFEST, ASIC_MANIFEST}
"""Entries that carry the evidence, or of which nothing is interpreted."""
_ASIC = "{http://uri.etsi.org/2918/v1.2.1#}"
_D = f"{{{DS}}}"
VALID, INVALID = "valid", "invalid"


@dataclass
class Integrity:
    """What a container proves by itself: the *findings*, and what was read of it on the way."""

    findings: list[Finding] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    as_asic_asks: bool = True
    message: bytes | None = None
    signature: Signature | None = None
    time_stamp: TimeStamp | None = None
    responses: list[Response] = field(default_factory=list)
    beside: bool = False
    """Whether the hash chain has another value beside the message: of another one, or of a part that is not here."""

    @property
    def verdict(self) -> str:
        """Return ``valid`` or ``invalid``."""
        return INVALID if self.findings else VALID


def check(
    file: BinaryIO, authorities: Sequence[x509.Certificate] = (), outside: Mapping[str, Outside] | None = None
) -> Integrity:
    """Return what the container in *file* proves by itself, or with files *outside* it that stand for entries.

    *authorities* are certificates of time-stamp authorities, for tokens that do not carry their own.
    """
    found = Integrity()
    try:
        _check(Container(file, outside), authorities, found)
    except Broken as broken:
        found.findings.append(broken.finding)
    return found


def _check(container: Container, authorities: Sequence[x509.Certificate], found: Integrity) -> None:
    container.check()
    found.entries, found.as_asic_asks = container.names, container.plain
    if MIMETYPE_ENTRY not in container or container.read(MIMETYPE_ENTRY).strip() != MIMETYPE.encode():
        found.findings.append(Finding(Reason.NO_MIMETYPE))
    if MESSAGE not in container:
        raise Broken(Reason.NO_MESSAGE)
    if SIGNATURES not in container:
        raise Broken(Reason.NO_SIGNATURE)
    signature = found.signature = xades.read(container.read(SIGNATURES))
    found.message = container.read(MESSAGE, LARGEST_MESSAGE)
    found.findings += signature.findings(container)
    signed = _gathered(found, _signed(container, signature, found))
    stamped = _gathered(found, _stamped(container, signature, authorities, found))
    found.findings += _responses(signature, found)
    found.findings += _manifest(container)
    if signed is not None and stamped is not None:
        found.findings += _not_signed(container, signed | stamped)


def _gathered(found: Integrity, parts: Iterator[Finding | set[str]]) -> set[str] | None:
    """Return the names of entries that *parts* yields, and keep its findings.

    A part that is broken ends it: then nothing is returned, for what it would have covered is not known.
    """
    covered: set[str] = set()
    try:
        for part in parts:
            if isinstance(part, Finding):
                found.findings.append(part)
            else:
                covered |= part
    except Broken as broken:
        found.findings.append(broken.finding)
        return None
    return covered


def _signed(container: Container, signature: Signature, found: Integrity) -> Iterator[Finding | set[str]]:
    """Yield the names of the entries that the signature covers, by itself or through its hash chain."""
    covered = {one.entry for one in signature.references}
    yield covered
    chain = hashchain.Chain()
    if SIGNED_RESULT in covered and SIGNED_RESULT in container:
        chain = hashchain.follow(container, SIGNED_RESULT)
        yield chain.entries | chain.files
        for name in sorted(chain.missing):
            yield Finding(Reason.ENTRY_MISSING, {"entry": name}, stricter=True)
        found.beside = any("" in leaf for leaf in chain.leaves)
    if MESSAGE not in covered | chain.entries:
        yield Finding(Reason.MESSAGE_NOT_SIGNED)
    elif chain.leaves and not _together(chain.leaves):
        yield Finding(Reason.NOT_TOGETHER, stricter=True)


def _together(leaves: Sequence[Sequence[str]]) -> bool:
    """Return whether the *leaves* of a chain are one message: no name is hashed, so its place says what a part is."""
    names = [name for name in leaves[0] if name]
    return len(leaves) == 1 and names == [MESSAGE, *(f"attachment{number}" for number in range(1, len(names)))]


def _stamped(
    container: Container, signature: Signature, authorities: Sequence[x509.Certificate], found: Integrity
) -> Iterator[Finding | set[str]]:
    """Yield the names of the files of the time-stamp's hash chain; keep the time-stamp when it holds."""
    tokens = [*signature.time_stamps, *([container.read(TOKEN)] if TOKEN in container else [])]
    if len(tokens) != 1:
        raise Broken(Reason.TIME_STAMPS if tokens else Reason.NO_TIME_STAMP)
    stamped = signature.value
    if STAMPED_RESULT in container:
        chain = hashchain.follow(container, STAMPED_RESULT)
        yield chain.files
        if SIGNATURES not in chain.entries:
            yield Finding(Reason.SIGNATURE_NOT_STAMPED)
        stamped = container.read(STAMPED_RESULT)
    found.time_stamp = timestamps.check(tokens[0], stamped, authorities)


def _responses(signature: Signature, found: Integrity) -> Iterator[Finding]:
    for der in signature.responses:
        try:
            found.responses.append(revocation.read(der))
        except Broken as broken:
            yield broken.finding
    names = {name for name, _ in signature.referred_responses}
    known = {(name, digest(name, der)) for name in names for der in signature.responses}
    if not known.issuperset(signature.referred_responses):
        yield Finding(Reason.OCSP_REFERENCE)


def _manifest(container: Container) -> Iterator[Finding]:
    """Yield what the ASiC manifest says of an entry and is not so."""
    if ASIC_MANIFEST not in container:
        return
    root = documents.parse(container.read(ASIC_MANIFEST), ASIC_MANIFEST)
    for one in documents.children(root, ASIC_MANIFEST, f"{_ASIC}SigReference", f"{_ASIC}DataObjectReference"):
        name = documents.attribute(one, "URI", ASIC_MANIFEST).removeprefix("/")
        if name not in container or (one.tag.endswith("DataObjectReference") and not _fits(container, one, name)):
            yield Finding(Reason.MANIFEST, {"entry": name}, stricter=True)


def _fits(container: Container, reference: etree._Element, name: str) -> bool:
    method = documents.only(reference, f"{_D}DigestMethod", ASIC_MANIFEST)
    algorithm = digest_name(documents.attribute(method, "Algorithm", ASIC_MANIFEST), ASIC_MANIFEST)
    value = documents.binary(documents.only(reference, f"{_D}DigestValue", ASIC_MANIFEST), ASIC_MANIFEST)
    return same(container.digest(name, algorithm), value)


def _not_signed(container: Container, covered: set[str]) -> Iterator[Finding]:
    for name in container.names:
        if name not in covered | _SIGNED_BY_NOTHING:
            reason = Reason.HASH_CHAIN_NOT_SIGNED if "hashchain" in name.lower() else Reason.ENTRY_NOT_SIGNED
            yield Finding(reason, {"entry": name}, stricter=True)
