"""Who is erased waits no more to be told of a breach: nothing is left by which they could be."""

from collections.abc import Iterator
from uuid import UUID

from onedoor.privacy.breaches.models import BreachPerson
from onedoor.privacy.records import BLIND
from onedoor.store import erasure, keys
from onedoor.store.erasure import Person


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Delete the blind indexes of the person; no entry of the ledger stands behind them."""
    BreachPerson.objects.filter(person=keys.blind(BLIND, person.number)).delete()
    yield from ()


erasure.register(forgets=forget)
