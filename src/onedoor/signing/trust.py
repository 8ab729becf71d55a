"""Whom a check trusts: for seals, for time-stamps; and who tells which certificates are revoked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509

from onedoor.signing.certificates import issued, reach
from onedoor.signing.status import Status

Telling = Callable[[x509.Certificate, x509.Certificate], Status | None]
"""Tells the present status of a certificate of an issuer; nothing when its authority does not answer."""

LONGEST_PATH = 8
"""Certificates of a path below its root, at most: each takes a look at all that were sent along."""


def silent(_certificate: x509.Certificate, _issuer: x509.Certificate) -> None:
    """Tell nothing."""


@dataclass(frozen=True)
class Trust:
    """The roots of seals and those of time-stamp authorities, and who is asked for the status of certificates now."""

    roots: tuple[x509.Certificate, ...]
    stamping: tuple[x509.Certificate, ...] = ()
    status: Telling = silent


def path(
    certificate: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Return the certificates from *certificate* to one of *roots*, both included; nothing when there is no path.

    One of more than `LONGEST_PATH` below its root is none.
    """
    found = [certificate]
    while len(found) <= LONGEST_PATH:
        if root := _issuer(found, roots):
            return (*found, root)
        following = _issuer(found, [one for one in between if one not in found])
        if following is None:
            return ()
        found.append(following)
    return ()


def _issuer(found: Sequence[x509.Certificate], among: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Return who of *among* issued the last that was *found*, and may have so many authorities below itself."""
    return next((one for one in among if issued(one, found[-1]) and reach(one) >= len(found) - 1), None)
