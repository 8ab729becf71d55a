"""Facts the room states; none carries personal data."""

from dataclasses import dataclass
from uuid import UUID

from onedoor.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class RefusedOnTheWay(Event):
    """A gateway refused a question of this system before it reached the other one, which therefore recorded nothing."""

    refusal: UUID
    service: str
    purpose: str
    basis: str
    case: str
