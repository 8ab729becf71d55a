"""Whom a person names by number: who names one stranger after the other is stopped, and each time is on record."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction

from onedoor.cases import journal
from onedoor.cases.errors import TooManyNumbers
from onedoor.cases.models import Naming
from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.procedures.service import Page, Service
from onedoor.store.locks import one_at_a_time

KIND = "number-of-another"
MOST = 5
"""Numbers of persons that somebody may name in vain within a day: enough for slips, too few to learn anything."""
DAY = timedelta(days=1)
EVEN = 0.5
"""Seconds after which a naming in vain is answered at the earliest: how many registers were asked cannot be timed."""
wait = time.sleep


def names_somebody(page: Page, raw: Mapping[str, object]) -> bool:
    """Return whether an answer on *page* is a person's number, by which registers are asked."""
    return any(field.kind == "person_number" and raw.get(field.id) for field in page.fields)


def named(service: Service, answers: Mapping[str, object]) -> bool:
    """Return whether the person's *answers* so far name somebody by number."""
    return any(names_somebody(page, answers) for page in service.pages)


@contextmanager
def counted(code: str, actor: Actor) -> Iterator[Callable[[], None]]:
    """Count a naming in case *code* while it is tried; the function given is called to say that it was in vain.

    It counts before any register is asked, so that requests sent at the same time are counted like any others. Raise
    `TooManyNumbers` when *actor* named too many persons in vain since yesterday.
    """
    row, began = _claimed(actor), time.monotonic()
    vain: list[bool] = []
    try:
        yield lambda: vain.append(True)
    except Exception:
        row.delete()
        raise
    if not vain:
        row.delete()
        return
    with transaction.atomic():
        journal.attempt(KIND, code, actor)
    wait(max(0.0, began + EVEN - time.monotonic()))


def _claimed(actor: Actor) -> Naming:
    """Return one of the actor's namings of a day, taken; looking and taking are one step for all processes."""
    now = clock.now()
    with transaction.atomic():
        one_at_a_time(f"cases.naming\n{actor.person}")
        Naming.objects.filter(by=actor.person, moment__lte=now - DAY).delete()
        if Naming.objects.filter(by=actor.person).count() >= MOST:
            raise TooManyNumbers(most=MOST)
        return Naming.objects.create(id=uuid7(), by=actor.person, moment=now)
