"""Whom a person names by number: who names one stranger after the other is stopped, and each time is on record."""

from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction

from onedoor.cases import journal
from onedoor.cases.errors import TooManyNumbers
from onedoor.cases.models import Attempt
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.procedures.service import Page, Service

KIND = "number-of-another"
MOST = 5
"""Numbers of persons that somebody may name in vain within a day: enough for slips, too few to learn anything."""
DAY = timedelta(days=1)


def names_somebody(page: Page, raw: Mapping[str, object]) -> bool:
    """Return whether an answer on *page* is a person's number, by which registers are asked."""
    return any(field.kind == "person_number" and raw.get(field.id) for field in page.fields)


def named(service: Service, answers: Mapping[str, object]) -> bool:
    """Return whether the person's *answers* so far name somebody by number."""
    return any(names_somebody(page, answers) for page in service.pages)


def check(actor: Actor) -> None:
    """Raise `TooManyNumbers` when *actor* named too many persons in vain since yesterday."""
    since = clock.now() - DAY
    if Attempt.objects.filter(kind=KIND, by=actor.person, moment__gt=since)[:MOST].count() >= MOST:
        raise TooManyNumbers(most=MOST)


def in_vain(code: str, actor: Actor) -> None:
    """Keep that the number which *actor* gave in case *code* did not open anything."""
    with transaction.atomic():
        journal.attempt(KIND, code, actor)
