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
    """The verdict on a file: ``same``, ``differs`` or ``not-ours``, and that on the signature inside it."""

    verdict: str
    sha256: str
    signed: bool
    signer: str
    signed_at: datetime | None
    reasons: tuple[str, ...]
    issued: IssuedView | None = None
