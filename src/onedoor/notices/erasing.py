"""What becomes of the inbox of a person who is erased: it goes."""

from collections.abc import Iterator
from uuid import UUID

from onedoor.notices.models import Notice
from onedoor.store import erasure
from onedoor.store.erasure import Person


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Delete the person's notices."""
    Notice.objects.filter(account__in=person.subjects).delete()
    yield from ()


erasure.register(forgets=forget)
