"""What becomes of records of reads and of requests when somebody is erased: they stay, and say no more about whom.

Of the person's claim its digest is kept, so that what was entered is still written out, and proved to the others.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from onedoor.kernel.errors import OnedoorError
from onedoor.privacy import entered
from onedoor.privacy.consents import decisions, revisions
from onedoor.privacy.models import Consent, PersonRequest, ReadPerson, ReadRecord, Revision
from onedoor.privacy.records import BLIND, LEDGER_KIND
from onedoor.privacy.requests import keeping
from onedoor.privacy.requests.definition import ERASE
from onedoor.privacy.requests.errors import RequestOpen
from onedoor.store import erasure, keys
from onedoor.store.details import AT_ONCE
from onedoor.store.erasure import Person


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Delete the blind indexes that find the records about the person; yield the entries that say less from now on."""
    mark = keys.blind(BLIND, person.number)
    # Only what was looked at is deleted: a read that comes in meanwhile is met by the next look.
    while found := list(
        ReadPerson.objects.filter(person=mark).select_related("record").order_by("record_id")[:AT_ONCE]
    ):
        yield from _reads(mark, [row.record for row in found])
    keeping.forget(mark)
    yield from _consents(mark)
    yield from _objects(mark)


def _reads(mark: bytes, records: Sequence[ReadRecord]) -> Iterator[tuple[str, UUID]]:
    """Have these records say no more that they are about the person."""
    for record in records:
        if record.form == 1:  # written out as a whole, so it cannot be any more
            yield LEDGER_KIND, record.entry
        else:
            place, digest = entered.of(record).kept_of(mark)
            record.erased = {**record.erased, str(place): digest}
            record.save(update_fields=["erased"])
    ReadPerson.objects.filter(person=mark, record__in=records).delete()


def _consents(mark: bytes) -> Iterator[tuple[str, UUID]]:
    """Have what the person agreed to stand as nobody's."""
    said = dict(Consent.objects.filter(person=mark).order_by("id").values_list("id", "entry"))
    Consent.objects.filter(id__in=said).update(person=None)
    for entry in said.values():
        yield decisions.LEDGER_KIND, entry


def holds(person: Person) -> Iterator[OnedoorError]:
    """Yield that a request of theirs, other than to be erased, is not decided yet."""
    if erasure.holds(
        PersonRequest._meta.db_table, ["sealed"], person, f"state = '{PersonRequest.OPEN}' AND \"right\" <> '{ERASE}'"
    ):
        yield RequestOpen()


def _objects(mark: bytes) -> Iterator[tuple[str, UUID]]:
    """Empty what systems keep of the person by the consent API."""
    kept = dict(Revision.objects.filter(person=mark).order_by("id").values_list("id", "entry"))
    Revision.objects.filter(id__in=kept).update(person=None, sealed=b"")
    for entry in filter(None, kept.values()):
        yield revisions.LEDGER_KIND, entry


erasure.register(forgets=forget, holds=holds)
