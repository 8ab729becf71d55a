"""Whom a breach touched, from this system's own trail of reads: counted, and exactly those persons told.

To count them and to read their numbers is a use of their data, recorded as any other. Sealed reads are in no count, and
nothing here differs by whether there are any: who could name a scope so narrow would learn of an investigation by it.
Whoever they touched is told by the same decision on the day on which such a read is shown.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import first_id, uuid7
from onedoor.privacy import records
from onedoor.privacy.breaches import acts, definition, sending, writing
from onedoor.privacy.breaches.models import Breach, BreachAct, BreachTelling
from onedoor.privacy.rules import READ
from onedoor.privacy.tasks import tell_of_breach
from onedoor.privacy.views import OPEN
from onedoor.store import rows, sealed
from onedoor.store.locks import one_at_a_time
from onedoor.store.sealed import KeyDestroyed, Place

AT_ONCE: Final = 200
"""Persons that one message to the portal names."""
SKEW = timedelta(days=1)
NAMED = """
WHERE privacy_readrecord.id >= %s AND moment >= %s AND moment < %s AND client = %s AND (%s = '' OR "user" = %s)
    AND (%s = '' OR purpose = %s) AND operation = 'read' AND refused = '' AND register <> 'breaches'
"""
OF_SCOPE = f"""
FROM privacy_readrecord JOIN privacy_readperson AS about ON about.record_id = privacy_readrecord.id
{NAMED}
    AND (about.fields IS NULL OR cardinality(about.fields) > 0)
"""
"""Ids are in order of time, so older records are not looked at; of whom nothing was read is not touched.

Nor is who was read of to be told of a breach.
"""
COUNT = f"""
SELECT count(DISTINCT person), count(DISTINCT person) FILTER (WHERE length(sealed) > 0) {OF_SCOPE} AND {OPEN}
"""
ERASED = f"""
SELECT coalesce(sum((SELECT count(*) FROM jsonb_object_keys(erased))), 0)::bigint FROM privacy_readrecord {NAMED}
    AND {OPEN}
"""  # noqa: S608 - no value is in it
QUEUE = f"""
INSERT INTO privacy_breachperson (telling_id, person, record_id, listed)
SELECT DISTINCT ON (person) %s::uuid, person, record_id, FALSE
{OF_SCOPE} AND {OPEN} AND length(sealed) > 0
    AND (%s::date IS NULL OR person NOT IN (SELECT person {OF_SCOPE} AND {OPEN} AND length(sealed) > 0))
ORDER BY person, record_id
"""
"""Of a day on which they were taken down before, if there was one, those are left out who were shown a read on it."""
NEXT = """
SELECT waiting.person, waiting.record_id, waiting.listed, about.sealed FROM privacy_breachperson AS waiting
JOIN privacy_readperson AS about ON about.person = waiting.person AND about.record_id = waiting.record_id
WHERE telling_id = %s ORDER BY waiting.person LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which reads were unlawful or leaked: of which system, post or user, for which purpose ("" for any), when."""

    client: str
    user: str
    purpose: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """How many persons these reads are about.

    *told* are those who can be told now, *unknown* those of whom this system keeps nothing. *erased* is how often a
    person stood in these reads who was erased since: how many persons that were, nobody can say any more.
    """

    told: int
    unknown: int
    erased: int


def count(code: str, actor: Actor, scope: Scope) -> Touched:
    """Return how many persons *scope* touched, once that look is on record."""
    breach = writing.of_desk(code, actor)
    reader = definition.reader_of(definition.system_of(breach.agency), actor.post, code)
    records.allowed(reader, definition.SERVICE, READ, (), [])
    return _count(scope)


def _count(scope: Scope) -> Touched:
    today = nation.current().today()
    asked = _asked(scope)
    ((everybody, known),) = rows.fetch(COUNT, [*asked, today, today])
    ((erased,),) = rows.fetch(ERASED, [*asked, today, today])
    return Touched(known, everybody - known, erased)


def tell(code: str, actor: Actor, scope: Scope, words: Mapping[str, str], contact: str, *, key: str) -> BreachTelling:
    """Decide that exactly the persons of *scope* are told in these *words* (by language), once for each *key*.

    They are taken down now, by their blind indexes; their numbers are read, on record, when the portal is asked. Whom a
    sealed read touched is taken down on its day, so a decision stands also where nobody can be told now.
    """
    with transaction.atomic():
        breach = writing.of_desk(code, actor, lock=True)
        one_at_a_time(f"privacy.telling:{code}:{key}")
        if before := breach.tellings.filter(key=key).first():
            return before
        touched = _count(scope)
        told = BreachTelling(id=uuid7(), breach=breach, key=key, moment=clock.now(), by=actor.post)
        which = {**asdict(scope), "since": scope.since.isoformat(), "until": scope.until.isoformat()}
        said: dict[str, Any] = {"scope": which, "words": dict(words), "contact": contact}
        system = definition.system_of(breach.agency)
        told.sealed = sealed.seal(said, subject=acts.subject(system, code), place=_place(told))
        told.looked_on = nation.current().today()
        told.persons = _take_down(told, scope, None)
        told.save(force_insert=True)
        facts = {**said, "touched": asdict(touched)}
        acts.keep(system, code, BreachAct.TOLD, by=actor.post, moment=told.moment, said=facts, key=str(told.id))
        tell_of_breach.defer(telling=str(told.id))
    return told


def _take_down(told: BreachTelling, scope: Scope, before: date | None) -> int:
    """Take down whom *scope* touches on the day it is looked at, and did not touch on the day *before*; how many."""
    asked, now, then = _asked(scope), told.looked_on, before or told.looked_on
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [told.id, *asked, now, now, before, *asked, then, then])
        return int(cursor.rowcount)


def tell_of_opened() -> None:
    """Have those told, for each decision once a day, of whom a read is shown since that was sealed before."""
    today = nation.current().today()
    for telling in BreachTelling.objects.filter(looked_on__lt=today).values_list("id", flat=True):
        _tell_of_opened(telling, today)


@transaction.atomic
def _tell_of_opened(telling: UUID, today: date) -> None:
    told = BreachTelling.objects.select_for_update().get(id=telling)
    which = said(told)["scope"]
    moments = {name: datetime.fromisoformat(which[name]) for name in ("since", "until")}
    before, told.looked_on = told.looked_on, today
    if more := _take_down(told, Scope(**{**which, **moments}), before):
        told.persons += more
        told.ended = None
        tell_of_breach.defer(telling=str(telling))
    told.save()


def tellings(breach: Breach) -> list[BreachTelling]:
    """Return what was decided about telling persons, the oldest first."""
    return list(breach.tellings.order_by("id"))


def said(telling: BreachTelling) -> dict[str, Any]:
    """Return which reads a decision names, and in which words their persons are told."""
    found: dict[str, Any] = sealed.unseal(bytes(telling.sealed), place=_place(telling))
    return found


def tell_next(telling: UUID) -> None:
    """Have the next persons told, and queue itself for those after them; who is killed in between tells them again.

    The portal puts a notice into an inbox once, so nobody is told twice.
    """
    told = BreachTelling.objects.select_related("breach").get(id=telling)
    numbers, erased = _next_numbers(told)
    people = list(numbers.values())
    answer = _ask_portal(told, people) if people else {"reached": 0}
    done = [*numbers, *erased]
    with transaction.atomic():
        row = BreachTelling.objects.select_for_update().get(id=telling)
        # Of whom no read is left any more, nobody can be told: then all who still wait go.
        gone, _ = (row.waiting.filter(person__in=done) if done else row.waiting.all()).delete()
        if gone:
            row.reached += answer["reached"]
            row.missed += gone - answer["reached"]
        if not row.waiting.exists():
            row.ended = row.ended or clock.now()
        else:
            tell_of_breach.defer(telling=str(telling))
        row.save()


def _next_numbers(told: BreachTelling) -> tuple[dict[bytes, str], list[bytes]]:
    """Return by blind index the next persons' numbers, once it is on record that they are read, and who is erased."""
    numbers, erased, new = {}, [], []
    for person, record, listed, envelope in rows.fetch(NEXT, [told.id, AT_ONCE]):
        try:
            place = records.place_of(str(record), bytes(person))
            numbers[bytes(person)] = str(sealed.unseal(bytes(envelope), place=place))
        except KeyDestroyed:
            erased.append(bytes(person))
            continue
        if not listed:
            new.append(bytes(person))
    if new:
        records.allowed(
            definition.reader_of(definition.system_of(told.breach.agency), told.by),
            definition.SERVICE,
            READ,
            (),
            [numbers[one] for one in new],
        )
        told.waiting.filter(person__in=new).update(listed=True)
    return numbers, erased


def _ask_portal(told: BreachTelling, people: list[str]) -> Mapping[str, int]:
    say = said(told)
    body = {
        "code": told.breach_id,
        "telling": str(told.id),
        "agency": told.breach.agency,
        "words": say["words"],
        "contact": say["contact"],
        "persons": people,
    }
    system = definition.system_of(told.breach.agency)
    answer: Mapping[str, int] = sending.ask(
        system, definition.portal(), "persons", body, user=told.by, key=f"breach:{told.id}"
    )
    return answer


def _asked(scope: Scope) -> list[Any]:
    first = first_id(scope.since - SKEW)
    who = [scope.client, scope.user, scope.user, scope.purpose, scope.purpose]
    return [first, scope.since, scope.until, *who]


def _place(telling: BreachTelling) -> Place:
    return Place("privacy_breachtelling", "sealed", str(telling.id))
