"""How the record of a use of the gate is written out again, to be held against the ledger."""

from collections.abc import Iterator

from onedoor.privacy.claims import Details
from onedoor.privacy.models import ReadRecord
from onedoor.privacy.records import LEDGER_KIND, looker
from onedoor.privacy.rules import Reader
from onedoor.store import details


def of(row: ReadRecord) -> Details:
    """Return what was entered of *row*, as its columns say today."""
    reader = Reader(row.client, row.user, row.purpose, row.basis, row.case)
    persons = {bytes(one.person): one.fields for one in row.persons.all()}
    until = row.hidden_until.isoformat() if row.hidden_until else ""
    said = (row.register, row.operation, row.fields, row.refused, persons, until, bytes(row.salt), row.form)
    erased = {int(place): digest for place, digest in row.erased.items()}
    return Details(str(row.id), row.moment.isoformat(), reader, *said, erased)


def reads(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield entry ids and what was entered of each use of the gate, in order of the ids."""
    found = ReadRecord.objects.filter(entry=entry) if entry else ReadRecord.objects.all()
    for row in found.order_by("entry").prefetch_related("persons").iterator(chunk_size=details.AT_ONCE):
        looked_by = looker(row.user, row.register, row.refused)
        sound = all(one.looked_by == looked_by for one in row.persons.all())
        yield str(row.entry), of(row).content() if sound else b""


def told(entry: str) -> bytes | None:
    """Return what was entered under *entry* with every claim disclosed."""
    row = ReadRecord.objects.filter(entry=entry).first()
    return of(row).told() if row else None


details.register(LEDGER_KIND, reads, told)
