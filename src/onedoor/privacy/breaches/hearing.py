"""At the portal: a system has persons told of a breach; those who have an account here find it in their inbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.kernel.text import Text
from onedoor.privacy.breaches import definition
from onedoor.privacy.breaches.models import ToldBreach
from onedoor.privacy.events import BreachTold
from onedoor.store import outbox, sealed
from onedoor.store.locks import one_at_a_time
from onedoor.store.sealed import Place


@dataclass(frozen=True, slots=True)
class BreachWords:
    """What persons are told of a breach: by which agency, in which words (by language), and whom they can ask."""

    agency: Text
    words: Text
    contact: str


def hear(system: str, user: str, body: Mapping[str, Any]) -> dict[str, int]:
    """State of each of the persons who has an account here that they are told; return how many have and have not.

    Raise `BadInput` when *system* speaks for another's agency, or says something else than before.
    """
    if definition.system_of(body["agency"]) != system:
        raise BadInput(what=said("it is about an agency of another system"))
    with transaction.atomic():
        one_at_a_time(f"privacy.told:{body['telling']}")
        row = _kept(system, body)
        accounts = [account for account in map(identity.account_of, set(body["persons"])) if account]
        for account in accounts:
            by = Actor(post=user, agency=system, for_whom=account)
            outbox.state(BreachTold(by=by, telling=str(row.id)))
    return {"reached": len(accounts), "missed": len(set(body["persons"])) - len(accounts)}


def _kept(system: str, body: Mapping[str, Any]) -> ToldBreach:
    """Keep the words, sealed, the first time; raise `BadInput` when others were told under the same id before."""
    words = {"words": dict(body["words"]), "contact": body["contact"]}
    before = ToldBreach.objects.filter(id=body["telling"]).first()
    if before:
        if (before.system, before.agency, _said(before)) != (system, body["agency"], words):
            raise BadInput(what=said("other words were told under this id before"))
        return before
    row = ToldBreach(id=UUID(body["telling"]), system=system, agency=body["agency"], told=clock.now())
    row.sealed = sealed.seal(words, subject=f"told {system} {row.id}", place=_place(row))
    row.save(force_insert=True)
    return row


def _said(row: ToldBreach) -> dict[str, Any]:
    found: dict[str, Any] = sealed.unseal(bytes(row.sealed), place=_place(row))
    return found


def _place(row: ToldBreach) -> Place:
    return Place("privacy_toldbreach", "sealed", str(row.id))


def words_of(telling: str) -> BreachWords:
    """Return what persons are told by one decision to tell them."""
    row = ToldBreach.objects.get(id=UUID(telling))
    said = _said(row)
    return BreachWords(nation.current().agencies[row.agency].name, said["words"], said["contact"])
