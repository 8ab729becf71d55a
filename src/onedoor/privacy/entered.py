"""How the record of a use of the gate is written out again, to be held against the ledger."""

from collections.abc import Iterator

from onedoor.privacy.claims import Details
from onedoor.privacy.models import ReadPerson, ReadRecord
from onedoor.privacy.records import BLIND, LEDGER_KIND, looker, place_of
from onedoor.privacy.rules import Reader
from onedoor.store import details, keys, sealed
from onedoor.store.keys import Erased
from onedoor.store.sealed import BadEnvelope, KeyDestroyed


def of(row: ReadRecord) -> Details:
    """Return what was entered of *row*, as its columns say today."""
    reader = Reader(row.client, row.user, row.purpose, row.basis, row.case)
    persons = {bytes(one.person): one.fields for one in row.persons.all()}
    until = row.hidden_until.isoformat() if row.hidden_until else ""
    said = (row.register, row.operation, row.fields, row.refused, persons, until, bytes(row.salt), row.form)
    erased = {int(place): digest for place, digest in row.erased.items()}
    kept = frozenset(bytes(one.person) for one in row.persons.all() if one.sealed)
    return Details(str(row.id), row.moment.isoformat(), reader, *said, erased, kept)


def reads(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield entry ids and what was entered of each use of the gate, in order of the ids."""
    found = ReadRecord.objects.filter(entry=entry) if entry else ReadRecord.objects.all()
    for row in found.order_by("entry").prefetch_related("persons").iterator(chunk_size=details.AT_ONCE):
        yield str(row.entry), _content(row) if all(_holds(row, one) for one in row.persons.all()) else b""


def _content(row: ReadRecord) -> bytes:
    """Return what was entered of *row*; nothing where what stands in it has no form that was ever written."""
    try:
        return of(row).content()
    except (AttributeError, TypeError, ValueError):
        return b""


def _holds(row: ReadRecord, one: ReadPerson) -> bool:
    """Return whether a person is found by who looked, and what is sealed is the number they are found by."""
    if one.looked_by != looker(row.user, row.register, row.refused):
        return False
    try:
        person = bytes(one.person)
        place = place_of(str(row.id), person)
        return not one.sealed or keys.blind(BLIND, sealed.unseal(bytes(one.sealed), place=place)) == person
    except Erased:
        return True  # brought back by a restore: it goes when the erasure is repeated
    except (BadEnvelope, KeyDestroyed):
        return False


def told(entry: str) -> bytes | None:
    """Return what was entered under *entry* with every claim disclosed."""
    row = ReadRecord.objects.filter(entry=entry).first()
    return of(row).told() if row else None


details.register(LEDGER_KIND, reads, told)
