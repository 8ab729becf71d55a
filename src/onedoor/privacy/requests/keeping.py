"""Requests at the agency that decides on them: taken once, sealed under the person's key, found by who asked."""

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import SYSTEM, Actor
from onedoor.kernel.ids import case_code
from onedoor.kernel.said import said
from onedoor.kernel.settings import current as settings
from onedoor.privacy import records
from onedoor.privacy.records import BLIND
from onedoor.privacy.requests import definition, sealing, steps, stopping
from onedoor.privacy.requests.definition import ASKED, ERASE, OBJECT
from onedoor.privacy.requests.errors import BadRequest, NoSuchRequest, RequestEnded, RequestKeyUsed, TooManyOpen
from onedoor.privacy.requests.models import PersonRequest
from onedoor.privacy.rules import READ, WRITE, Reader
from onedoor.store import keys
from onedoor.store.locks import one_at_a_time

SERVICE: Final = "person-requests"

MOST = 200
"""Requests that are answered to the person who asked them."""
MOST_OPEN = 10
"""So many of one account may wait to be decided: a desk that anybody can fill serves nobody."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person (a personal number) asks: which right, for objecting against which purpose, in which words."""

    person: str
    right: str
    purpose: str
    words: str


def ask(wanted: Wanted, *, reader: Reader, key: str) -> PersonRequest:
    """Take a request, once for the same *key*; return it with its code and its due moment.

    Raise `BadRequest` when the right or the purpose is none that can be asked for here, `RequestKeyUsed`, or
    `TooManyOpen` when as many of theirs wait to be decided.
    """
    here = settings().subsystem
    if here and here not in definition.current().decided_by:
        raise BadRequest(what=said("nobody decides on requests here"))
    layer = _layer(wanted)
    now, calendar = clock.now(), nation.current().calendar
    request = PersonRequest(
        code=case_code(calendar.local(now)),
        right=wanted.right,
        purpose=wanted.purpose,
        layer=layer.valid_from,
        person=keys.blind(BLIND, wanted.person),
        client=reader.client,
        account=reader.user,
        key=key,
        asked=now,
        due=layer.due(calendar, now),
    )
    with transaction.atomic():
        one_at_a_time(f"privacy.request:{reader.client}:{key}")
        if before := _before(wanted, reader, key):
            return before
        one_at_a_time(f"privacy.requests:{reader.client}:{reader.user}")
        waiting = PersonRequest.objects.filter(client=reader.client, account=reader.user, state=PersonRequest.OPEN)
        if waiting.count() >= MOST_OPEN:
            raise TooManyOpen(most=MOST_OPEN)
        records.allowed(reader, SERVICE, WRITE, (), [wanted.person])
        sealing.seal(request, {"person": wanted.person, "words": wanted.words})
        request.save(force_insert=True)
        steps.take(request, steps.ASKED, Actor(person=reader.user, agency=reader.client))
    return request


def _layer(wanted: Wanted) -> definition.Layer:
    """Return the layer of law the request is asked under today; raise `BadRequest`."""
    right = definition.current().rights.get(wanted.right)
    layer = right.on(nation.current().today()) if right and wanted.right in ASKED else None
    if layer is None:
        raise BadRequest(what=said("the right is none that an agency decides on today"))
    known = {one.id for one in stopping.objectionable(settings().subsystem)}
    if wanted.right == OBJECT and wanted.purpose not in known:
        raise BadRequest(what=said("the purpose is none that persons may object to here"))
    if wanted.right != OBJECT and wanted.purpose:
        raise BadRequest(what=said("only an objection names a purpose"))
    return layer


def _before(wanted: Wanted, reader: Reader, key: str) -> PersonRequest | None:
    """Return what was asked with the same key; raise `RequestKeyUsed` when by somebody else, or something else."""
    before = PersonRequest.objects.filter(client=reader.client, key=key).first()
    if before is None:
        return None
    said = sealing.opened(before)
    then = (before.account, before.right, before.purpose, said.get("person"), said.get("words"))
    if then != (reader.user, wanted.right, wanted.purpose, wanted.person, wanted.words):
        raise RequestKeyUsed
    return before


def asked_by(reader: Reader, person: str) -> list[PersonRequest]:
    """Return what *person* (a personal number), whose account the reader's user is, asked here: newest first, `MOST`.

    What they asked by an account that was erased since is theirs too; that it is told is on record.
    """
    found = list(_of(reader, person).order_by("-asked")[:MOST])
    if any(one.account != reader.user for one in found):
        records.allowed(reader, SERVICE, READ, (), [person])
    return found


def _of(reader: Reader, person: str) -> QuerySet[PersonRequest]:
    mine = Q(account=reader.user) | Q(person=keys.blind(BLIND, person))
    return PersonRequest.objects.filter(mine, client=reader.client)


@transaction.atomic
def lift(code: str, reader: Reader, person: str) -> PersonRequest:
    """Take back a request as the *person* (a personal number) who asked it: what it stopped goes on with the next read.

    Raise `NoSuchRequest` for another's, `RequestEnded` for one that was refused, or erased.
    """
    request = _of(reader, person).select_for_update().filter(code=code).first()
    if request is None:
        raise NoSuchRequest
    if request.state == PersonRequest.LIFTED:
        return request
    if request.state == PersonRequest.REFUSED or (request.right == ERASE and request.decided_by):
        raise RequestEnded
    if request.account != reader.user:
        records.allowed(reader, SERVICE, WRITE, (), [person])
    request.state, request.ended = PersonRequest.LIFTED, clock.now()
    request.save()
    steps.take(request, steps.LIFTED, Actor(person=reader.user, agency=reader.client))
    return request


def forget_old() -> int:
    """Empty what was said in requests that ended as many years ago as the nation's file says; return how many.

    That they were asked and how they ended stays, and one that still stops the gate is kept whole.
    """
    years = definition.current().kept_years
    if not years:
        return 0
    now = nation.current().calendar.local(clock.now())
    last = now.replace(year=now.year - years, day=min(now.day, 28))
    old = PersonRequest.objects.filter(ended__lt=last).exclude(state=PersonRequest.GRANTED, complete_on=None)
    with transaction.atomic():
        found = old.exclude(account="").select_for_update()
        for request in found:
            request.account = ""
            _empty(request)
    return len(found)


def forget(mark: bytes) -> None:
    """Empty, in the caller's transaction, what was said in the requests of a person (a blind index) who is erased."""
    for request in PersonRequest.objects.filter(person=mark).select_for_update():
        _empty(request)


def _empty(request: PersonRequest) -> None:
    request.sealed, request.person = b"", None
    request.save()
    steps.enter(request, steps.FORGOTTEN, SYSTEM.post)
