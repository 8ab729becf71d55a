"""The seals of the agencies of a system: their keys and certificates, and whom it trusts."""

import hashlib
from pathlib import Path

from cryptography import x509

from onedoor.cases.opened import Last
from onedoor.kernel import clock
from onedoor.kernel.errors import Unavailable
from onedoor.kernel.settings import current as settings
from onedoor.signing import pades
from onedoor.signing.certificates import load_certificates
from onedoor.signing.keys import load_key
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
    """Return *pdf* sealed by *agency*; raise `NoSeal`."""
    key, chain = folder() / f"{agency}.key", folder() / f"{agency}.pem"
    if not (key.exists() and chain.exists()):
        raise NoSeal(who=name)
    certificate, *others = load_certificates(chain)
    return pades.sign_pdf(pdf, load_key(key), certificate, others, reason=reason, name=name)


def trusted() -> tuple[x509.Certificate, ...]:
    """Return the roots that this system trusts for seals."""
    roots = folder() / "trust.pem"
    return load_certificates(roots) if roots.exists() else ()


def check(pdf: bytes) -> Verdict:
    """Return what the signature inside *pdf* is worth; of the last files this is known for some minutes."""
    roots = folder() / "trust.pem"
    changed = roots.stat().st_mtime_ns if roots.exists() else 0
    key = (hashlib.sha256(pdf).digest(), int(clock.now().timestamp() // KNOWN_FOR), changed)
    return _verdicts.of(key, lambda: pades.check_pdf(pdf, trusted()))
