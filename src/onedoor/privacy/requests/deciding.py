"""The agency's desk: requests of persons by their due moment, looked at on record, granted, refused or extended."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.settings import current as settings
from onedoor.privacy import records, rights
from onedoor.privacy.requests import definition, sealing, steps
from onedoor.privacy.requests.definition import ERASE, PURPOSE, Layer
from onedoor.privacy.requests.errors import ExtendedBefore, NoSuchRequest, RequestEnded
from onedoor.privacy.requests.keeping import SERVICE
from onedoor.privacy.requests.models import PersonRequest
from onedoor.privacy.rules import READ, Reader
from onedoor.store import erasure
from onedoor.store.models import Erasure

SHOWN = 50
"""Requests that a desk lists, of the open and of the ended ones each."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A request as the officer sees it: what its person says, who they are, and the layer of law it stands on."""

    request: PersonRequest
    said: Mapping[str, str]
    layer: Layer


def decides(actor: Actor) -> bool:
    """Return whether the actor's post decides on what persons ask of this system."""
    agency = nation.current().agencies.get(actor.agency)
    here = settings().subsystem
    if agency is None or (here and agency.subsystem != here):
        return False
    return actor.post.rpartition(".")[2] in definition.current().decided_by.get(agency.subsystem, ())


def at_desk(actor: Actor) -> tuple[list[PersonRequest], list[PersonRequest]]:
    """Return the open requests, the one due first on top, and the latest that ended; who asked is in none of them."""
    _check(actor)
    found = list(PersonRequest.objects.filter(state=PersonRequest.OPEN).order_by("due")[:SHOWN])
    ended = list(PersonRequest.objects.exclude(state=PersonRequest.OPEN).order_by("-ended")[:SHOWN])
    return found, ended


def opened(code: str, actor: Actor) -> Sheet:
    """Return one request with what its person says, once that look is on record; raise `NoSuchRequest`."""
    request = _of_desk(code, actor)
    _look(actor, request)
    return Sheet(request, sealing.opened(request), layer_of(request))


def layer_of(request: PersonRequest) -> Layer:
    """Return the layer of law that was in force when it was asked."""
    return definition.current().rights[request.right].begun(request.layer)


def grant(code: str, actor: Actor, words: str = "") -> PersonRequest:
    """Grant a request: from now on the gate stops what it names, or the person is erased from this system.

    Raise `erasure.StillHeld` when a register must keep what it has, `NoSuchRequest` or `RequestEnded`.
    """
    request = _of_desk(code, actor)
    if request.right == ERASE and request.state == PersonRequest.OPEN:
        return _erased(code, actor)
    return _ended(code, actor, PersonRequest.GRANTED, {"answer": words})


def refuse(code: str, actor: Actor, *, article: str, words: str) -> PersonRequest:
    """Refuse a request, with the *article* of law and the *words* that its person reads."""
    return _ended(code, actor, PersonRequest.REFUSED, {"article": article, "answer": words})


@transaction.atomic
def extend(code: str, actor: Actor, reason: str) -> PersonRequest:
    """Extend the time to answer, once, with the *reason* its person reads; raise `ExtendedBefore`."""
    request = _open(code, actor)
    if request.extended or layer_of(request).extension is None:
        raise ExtendedBefore
    if request.decided_by:
        raise RequestEnded
    request.due, request.extended = layer_of(request).extended(nation.current().calendar, request.due), True
    sealing.seal(request, {**sealing.opened(request), "reason": reason})
    request.save()
    steps.take(request, steps.EXTENDED, actor)
    return request


@transaction.atomic
def _ended(code: str, actor: Actor, state: str, said: Mapping[str, str]) -> PersonRequest:
    request = _open(code, actor)
    if request.decided_by:  # its person is being erased
        raise RequestEnded
    sealing.seal(request, {**sealing.opened(request), **said})
    return _save(request, actor, state)


def _erased(code: str, actor: Actor) -> PersonRequest:
    """Erase the person, then put the decision on record; who was killed in between finds the erasure done.

    Who decides is kept first: from then on the person cannot take the request back.
    """
    with transaction.atomic():
        request = _open(code, actor)
        request.decided_by = actor.post
        request.save(update_fields=["decided_by"])
    done = Erasure.objects.filter(request=code).first()
    try:
        complete_on = done.complete_on if done else erasure.erase(_person(request), request=code).complete_on
    except (erasure.NobodyToErase, erasure.StillHeld):
        # Nothing was erased, unless another did it for this request meanwhile: then it stays decided.
        if not Erasure.objects.filter(request=code).exists():
            PersonRequest.objects.filter(code=code).update(decided_by="")
        raise
    with transaction.atomic():
        request = _open(code, actor)
        request.complete_on = complete_on
        return _save(request, actor, PersonRequest.GRANTED)


def _save(request: PersonRequest, actor: Actor, state: str) -> PersonRequest:
    request.state, request.ended, request.decided_by = state, clock.now(), actor.post
    request.save()
    steps.take(request, state, actor)
    return request


def _open(code: str, actor: Actor) -> PersonRequest:
    """Return the open request, locked; raise `NoSuchRequest` or `RequestEnded`."""
    found = _of_desk(code, actor, lock=True)
    if found.state != PersonRequest.OPEN:
        raise RequestEnded
    return found


def _of_desk(code: str, actor: Actor, *, lock: bool = False) -> PersonRequest:
    """Return the request that the actor's post decides on, perhaps locked; raise `NoSuchRequest`."""
    _check(actor)
    rows = PersonRequest.objects.select_for_update() if lock else PersonRequest.objects
    found = rows.filter(code=code).first()
    if found is None:
        raise NoSuchRequest
    return found


def _person(request: PersonRequest) -> str:
    return sealing.opened(request).get("person", "")


def _check(actor: Actor) -> None:
    if not decides(actor):
        raise NoSuchRequest


def _look(actor: Actor, request: PersonRequest) -> None:
    """Record that the officer looks at what a person asks."""
    purpose = rights.purposes()[PURPOSE]
    agency = nation.current().agencies[actor.agency]
    reader = Reader(agency.subsystem, actor.post, purpose.id, next(iter(purpose.basis)), request.code)
    if person := _person(request):
        records.allowed(reader, SERVICE, READ, (), [person])
