"""What becomes of records of reads and of requests when somebody is erased: they stay, and say no more about whom.

Of the person's claim its digest is kept, so that what was entered is still written out, and proved to the others.
"""

from collections.abc import Iterator
from uuid import UUID

from onedoor.kernel.errors import OnedoorError
from onedoor.privacy import entered
from onedoor.privacy.consents import decisions
from onedoor.privacy.models import Consent, PersonRequest, ReadPerson, Revision
from onedoor.privacy.records import BLIND, LEDGER_KIND
from onedoor.privacy.requests.definition import ERASE
from onedoor.privacy.requests.errors import RequestOpen
from onedoor.store import erasure, keys
from onedoor.store.erasure import Person


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Delete the blind indexes that find the records about the person; yield the entries that say less from now on."""
    mark = keys.blind(BLIND, person.number)
    found = ReadPerson.objects.filter(person=mark)
    for row in found.select_related("record").order_by("record_id").iterator():
        record = row.record
        if record.form == 1:  # written out as a whole, so it cannot be any more
            yield LEDGER_KIND, record.entry
        else:
            place, digest = entered.of(record).kept_of(mark)
            record.erased = {**record.erased, str(place): digest}
            record.save(update_fields=["erased"])
    found.delete()
    PersonRequest.objects.filter(person=mark).update(person=None)
    yield from _consents(mark)
    _objects(mark)


def _consents(mark: bytes) -> Iterator[tuple[str, UUID]]:
    """Have what the person agreed to stand as nobody's."""
    said = Consent.objects.filter(person=mark)
    for entry in said.order_by("id").values_list("entry", flat=True):
        yield decisions.LEDGER_KIND, entry
    said.update(person=None)


def holds(person: Person) -> Iterator[OnedoorError]:
    """Yield that a request of theirs, other than to be erased, is not decided yet."""
    if erasure.holds(
        PersonRequest._meta.db_table, ["sealed"], person, f"state = '{PersonRequest.OPEN}' AND \"right\" <> '{ERASE}'"
    ):
        yield RequestOpen()


def _objects(mark: bytes) -> None:
    """Empty what systems keep of the person by the consent API; the ledger's entries tell of nobody as they are."""
    Revision.objects.filter(person=mark).update(person=None, sealed=b"")


erasure.register(forgets=forget, holds=holds)
