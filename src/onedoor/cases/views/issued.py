"""What anybody may know of a result."""

from dataclasses import dataclass
from datetime import date, datetime

from onedoor.kernel.text import Text


@dataclass(frozen=True, slots=True)
class IssuedView:
    """What anybody may know of a result: no personal data; ``state`` is ``valid`` or ``revoked``."""

    id: str
    kind: str
    title: Text
    agency: str
    agency_name: Text
    issued_on: date
    state: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ComparedView:
    """The verdict on a file: ``same``, ``differs`` or ``not-ours``, and that on the signature inside it.

    *proven_at* is the moment that a time-stamp of *proven_by* proves, if there is one, *lasts_until* the end of what
    proves it now; *revocation* is ``good``, ``later`` (then *revoked_at* says when) or ``unknown``.
    """

    verdict: str
    sha256: str
    signed: bool
    signer: str
    signed_at: datetime | None
    reasons: tuple[str, ...]
    issued: IssuedView | None = None
    proven_at: datetime | None = None
    proven_by: str = ""
    lasts_until: datetime | None = None
    revocation: str = "unknown"
    revoked_at: datetime | None = None

    @property
    def good(self) -> bool:
        """Return whether the file is what was issued and its signature holds."""
        return self.verdict == "same" and self.signed
