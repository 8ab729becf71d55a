"""Where a record comes from: who wrote each of its versions, in which case, on which legal basis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from onedoor.privacy.service import ReadView, records_of
from onedoor.registers.models import Record


@dataclass(frozen=True, slots=True)
class Provenance:
    """One version of a record: the days it speaks of (the last one excluded), since when it is known, and its writer.

    ``schema`` is the version of the register's definition it was written under. ``grounds`` is the gate's record of the
    write with purpose and legal basis; None for the owner's own loading.
    """

    version: int
    schema: int
    valid_from: date
    valid_until: date
    known_from: datetime
    client: str
    user: str
    case: str
    grounds: ReadView | None


def provenance_of(versions: Sequence[Record]) -> list[Provenance]:
    """Return the provenance of *versions*, in their order."""
    grounds = records_of([one.permit for one in versions if one.permit])
    return [
        Provenance(
            version=one.version,
            schema=one.schema,
            valid_from=one.valid_from,
            valid_until=one.valid_until,
            known_from=one.recorded_from,
            client=one.client,
            user=one.user,
            case=one.case,
            grounds=grounds.get(one.permit),
        )
        for one in versions
    ]
