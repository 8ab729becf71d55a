"""The seals of the agencies of a system: their keys and certificates, and whom it trusts."""

import hashlib
from functools import lru_cache
from pathlib import Path

from cryptography import x509

from onedoor.cases.opened import Last
from onedoor.kernel import clock
from onedoor.kernel.errors import Unavailable
from onedoor.kernel.settings import current as settings
from onedoor.signing import holders, pades
from onedoor.signing.authorities import Responders, TimeStampAuthority
from onedoor.signing.certificates import CertificateNotInForce, common_name, load_certificates
from onedoor.signing.envelope import sealed_part
from onedoor.signing.judgement import in_force
from onedoor.signing.trust import Trust
from onedoor.signing.verdict import Verdict

MOST_VERDICTS = 256
KNOWN_FOR = 300
"""Seconds: a certificate ends at its moment, not at the end of a day."""
_verdicts: Last[Verdict] = Last(MOST_VERDICTS)


class NoSeal(Unavailable):
    """{who} has no seal on this system yet. Ask its operator to put key and certificate into place."""


def folder() -> Path:
    """Return where the seals of this system lie."""
    return settings().state / "seals"


def seal(pdf: bytes, agency: str, *, name: str, reason: str) -> bytes:
    """Return *pdf* sealed by *agency* and made to last (PAdES B-LTA) where a time-stamp authority is set.

    Raise `NoSeal`, or another `Unavailable` when an authority does not answer: whoever asks tries again. Raise
    `CertificateNotInForce` or `CertificateRevoked` where nothing that is sealed would be valid.
    """
    try:
        certificate, *others = holders.certificates(folder(), agency)
        key = holders.key_of(folder(), agency, certificate)
    except FileNotFoundError:
        raise NoSeal(who=name) from None
    if not in_force(certificate, clock.now()):
        raise CertificateNotInForce(subject=common_name(certificate))
    stamper = stamping()
    sealed = pades.sign_pdf(
        pdf, key, certificate, others, reason=reason, name=name, moment=clock.now(), stamper=stamper
    )
    return pades.make_last(sealed, trust(), stamper) if stamper else sealed


def renewed(file: bytes) -> bytes | None:
    """Return *file* under a new time-stamp; nothing when it has none so far or no authority is set.

    Raise `Refused` when its seal does not hold, `Unavailable` when an authority does not answer.
    """
    stamper = stamping()
    return None if is_alone(file) or not stamper else pades.make_last(file, trust(), stamper)


def stamping() -> TimeStampAuthority | None:
    """Return the time-stamp authority of this system, if one is set."""
    return _stamper(settings().tsa_url) if settings().tsa_url else None


def trust() -> Trust:
    """Return whom this system trusts for seals and for time-stamps, and who tells what is revoked."""
    return Trust(_roots("trust.pem"), _roots("tsa-trust.pem"), _responders(settings().ocsp_url).status)


def check(pdf: bytes, *, twice: bool = True) -> Verdict:
    """Return what the signature inside *pdf* is worth; of the last files this is known for some minutes.

    Without *twice*, pyHanko is not asked for its own opinion: what agencies send each other is judged by us alone.
    """
    changed = tuple(_changed(folder() / name) for name in ("trust.pem", "tsa-trust.pem"))
    key = (hashlib.sha256(pdf).digest(), int(clock.now().timestamp() // KNOWN_FOR), changed, twice)
    return _verdicts.of(key, lambda: pades.check_pdf(pdf, trust(), moment=clock.now(), twice=twice))


def is_alone(pdf: bytes) -> bool:
    """Return whether nothing follows *pdf* as its agency sealed it."""
    return len(sealed_part(pdf)) == len(pdf)


def digest(pdf: bytes) -> str:
    """Return the SHA-256 of *pdf* as its agency sealed it: the same whatever time-stamps are added later."""
    return hashlib.sha256(sealed_part(pdf)).hexdigest()


def _roots(name: str) -> tuple[x509.Certificate, ...]:
    path = folder() / name
    return load_certificates(path) if path.exists() else ()


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@lru_cache(maxsize=8)
def _stamper(url: str) -> TimeStampAuthority:
    return TimeStampAuthority(url)


@lru_cache(maxsize=8)
def _responders(url: str) -> Responders:
    return Responders(url)
