"""What becomes of the records of reads when somebody is erased: they stay, and say no more whom they were about."""

from collections.abc import Iterator
from uuid import UUID

from onedoor.privacy.models import ReadPerson
from onedoor.privacy.records import BLIND, LEDGER_KIND
from onedoor.store import erasure, keys
from onedoor.store.erasure import Person


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Delete the blind indexes that find the records about the person; yield the entries these stood behind."""
    found = ReadPerson.objects.filter(person=keys.blind(BLIND, person.number))
    entries = list(found.values_list("record__entry", flat=True))
    found.delete()
    yield from ((LEDGER_KIND, entry) for entry in entries)


erasure.register(forgets=forget)
