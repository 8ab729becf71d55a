"""What becomes of the account of a person who is erased: nobody finds it, nobody signs in with it."""

from collections.abc import Iterator
from uuid import UUID

from onedoor.identity import service
from onedoor.identity.models import Account, Session
from onedoor.store import erasure
from onedoor.store.erasure import Person


def names(number: str) -> Iterator[str]:
    """Yield the id of the account, under which the portal seals what its person entrusts it with."""
    if account := service.account_of(number):
        yield account


def forget(person: Person) -> Iterator[tuple[str, UUID]]:
    """Take the number's blind index away and end every session; the next time the person signs in anew."""
    for account in Account.objects.filter(number_mark=service.mark(person.number)):
        Session.objects.filter(account=account.pk).delete()
        account.number_mark, account.persona = None, f"{service.ERASED}{account.pk}"
        account.save(update_fields=["number_mark", "persona"])
    yield from ()


erasure.register(names=names, forgets=forget)
