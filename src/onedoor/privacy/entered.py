"""How the record of a use of the gate is written out again, to be held against the ledger."""

from collections.abc import Iterator

from onedoor.privacy.models import ReadRecord
from onedoor.privacy.records import LEDGER_KIND
from onedoor.privacy.rules import Details, Reader, content
from onedoor.store import details


def reads(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield entry ids and what was entered of each use of the gate, in order of the ids."""
    found = ReadRecord.objects.filter(entry=entry) if entry else ReadRecord.objects.all()
    for row in found.order_by("entry").prefetch_related("persons").iterator(chunk_size=details.AT_ONCE):
        reader = Reader(row.client, row.user, row.purpose, row.basis, row.case)
        persons = tuple(bytes(one.person) for one in row.persons.all())
        said = (row.register, row.operation, row.fields, row.refused, persons)
        written = Details(str(row.id), row.moment.isoformat(), reader, *said)
        yield str(row.entry), content(bytes(row.salt), written)


details.register(LEDGER_KIND, reads)
