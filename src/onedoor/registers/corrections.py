"""Corrections: a person says that a fact is wrong, its owner decides within a limit, its users are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import SYSTEM, Actor
from onedoor.kernel.ids import case_code
from onedoor.kernel.said import listed
from onedoor.kernel.settings import current
from onedoor.privacy import service as privacy
from onedoor.privacy.service import CORRECT, Reader, check, permit, turned_away
from onedoor.registers import rules, storage, writing
from onedoor.registers.definition import Field, Register, held, register_of, registers
from onedoor.registers.errors import BadRecord, Decided, KeyUsed, NoSuchCorrection, NotCorrectable, NothingToCorrect
from onedoor.registers.events import CorrectionAsked, CorrectionDecided, CorrectionOverdue
from onedoor.registers.models import Correction
from onedoor.registers.tasks import answer, tell, tell_late
from onedoor.store import outbox, sealed
from onedoor.store.locks import one_at_a_time
from onedoor.store.sealed import Place

LATE = """
(SELECT json_object_agg(register, late) FROM (
    SELECT register, count(*) AS late FROM registers_correction WHERE state = 'open' AND due < %s GROUP BY register
) AS counted)
"""
"""By register how many open requests are past their limit at a moment, as a scalar expression."""

Correctable = Sequence[tuple[Register, tuple[Field, ...]]]
PURPOSE = "correction"
SHOWN = 20
"""Decided requests that a desk lists."""
AT_ONCE = 500
"""Late requests that one look notes; the next look takes the others."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person says: the record by a look-up of their own number, the field, what it should say, and why."""

    by: Mapping[str, str]
    field: str
    value: str
    why: str


def correctable() -> Correctable:
    """Return the registers and fields whose correction a person may ask for at this portal."""
    return nation.current().daily(_correctable, current().subsystem)


def _correctable(subsystem: str) -> Correctable:
    """Work out what is asked for the frame of every page."""
    try:
        grants = privacy.purpose(PURPOSE).grants
    except privacy.UnknownPurpose:
        return ()
    asker = subsystem or next((one.reader for one in grants if CORRECT in one.operations), "")
    granted = privacy.fields_granted(asker, CORRECT, PURPOSE)
    known = registers()
    return tuple((known[key], tuple(known[key].fields[name] for name in fields)) for key, fields in granted.items())


def ask(register: str, request: Request, *, reader: Reader, key: str) -> Correction:
    """Take a person's word that a fact is wrong, once for the same *key*; return it with its code and its due moment.

    Raise `NotCorrectable`, `NotPermitted` (recorded), `NothingToCorrect`, `KeyUsed`, or `BadRecord` when the value
    cannot be so.
    """
    definition = register_of(register)
    if definition.corrections is None:
        raise NotCorrectable(register=register)
    lookup = definition.lookup_of(request.by)
    asked = rules.persons_asked(definition, lookup, request.by)
    check(reader, register=register, persons=asked, wanted=[request.field], operation=CORRECT)
    if before := _before(register, request, reader, key, asked):
        return before
    try:
        row = _corrected(definition, lookup, request, asked)
    except (BadRecord, NothingToCorrect):
        turned_away(reader, register=register, persons=asked, wanted=[request.field], operation=CORRECT)
        raise
    return _kept(definition, request, reader, key, row=row, person=asked[0])


def _corrected(register: Register, lookup: str, request: Request, asked: Sequence[str]) -> str:
    """Return the id of the version that the request is about; raise `NothingToCorrect` or `BadRecord`."""
    found = storage.find(register, lookup, request.by, valid_on=nation.current().today())
    if len(found) != 1 or not asked:
        raise NothingToCorrect(register=register.id)
    ((row, record),) = found.items()
    if wrong := rules.faults(register, {**record, request.field: request.value}):
        raise BadRecord(register=register.id, what=listed(wrong))
    return str(row)


def _kept(definition: Register, request: Request, reader: Reader, key: str, *, row: str, person: str) -> Correction:
    assert definition.corrections  # noqa: S101 - `ask` has looked
    now = clock.now()
    calendar = nation.current().calendar
    correction = Correction(
        code=case_code(calendar.local(now)),
        register=definition.id,
        field=request.field,
        record_id=row,
        client=reader.client,
        account=reader.user,
        key=key,
        asked=now,
        due=calendar.due(calendar.counted_from(now, None), definition.corrections.limit),
    )
    said = {"person": person, "value": request.value, "why": request.why}
    correction.sealed = sealed.seal(said, subject=person, place=_place(correction.code))
    with transaction.atomic():
        one_at_a_time(f"registers.correction:{reader.client}:{key}")
        if before := _before(definition.id, request, reader, key, [person]):
            return before
        gate = permit(reader, register=definition.id, persons=[person], wanted=[request.field], operation=CORRECT)
        correction.permit = gate.record
        correction.save(force_insert=True)
        by = Actor(person=reader.user, agency=reader.client)
        stated = CorrectionAsked(by=by, code=correction.code, register=definition.id, field=request.field)
        outbox.state(stated)
    return correction


def _before(register: str, request: Request, reader: Reader, key: str, asked: Sequence[str]) -> Correction | None:
    """Return what was asked with the same key; raise `KeyUsed` when that was by somebody else, or something else."""
    before = Correction.objects.filter(client=reader.client, key=key).first()
    if before is None:
        return None
    said = read(before)
    then = (before.account, before.register, before.field, said["person"], said["value"], said["why"])
    if then != (reader.user, register, request.field, *asked[:1], request.value, request.why):
        raise KeyUsed
    return before


def asked_by(register: str, *, reader: Reader) -> list[Correction]:
    """Return what the reader's user asked to be corrected in *register*, the newest first."""
    check(reader, register=register_of(register).id, persons=[], operation=CORRECT)
    return list(
        Correction.objects.filter(client=reader.client, account=reader.user, register=register).order_by("-asked")
    )


def at_desk(actor: Actor) -> list[Correction]:
    """Return the open requests the actor's post decides on, the one due first on top."""
    return list(Correction.objects.filter(register__in=decided_by(actor), state=Correction.OPEN).order_by("due"))


def decided(actor: Actor) -> list[Correction]:
    """Return the latest requests that were decided at the desks the actor's post decides at."""
    found = Correction.objects.filter(register__in=decided_by(actor)).exclude(state=Correction.OPEN)
    return list(found.order_by("-decided")[:SHOWN])


def decided_by(actor: Actor) -> list[str]:
    """Return the registers of this system whose corrections the actor decides on."""
    agency = nation.current().agencies.get(actor.agency)
    post = actor.post.rpartition(".")[2]
    return [
        key
        for key, one in held().items()
        if agency and agency.member == one.owner and one.corrections and post in one.corrections.posts
    ]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A request as the officer sees it: what the register says on the disputed days, and what the person says."""

    correction: Correction
    now: Any
    said: Mapping[str, str]
    archived: bool = False
    """Whether the record is out of reach meanwhile, so that nothing of it is shown."""


def opened(code: str, actor: Actor) -> Sheet:
    """Return a request with what the register says now, once that read is on record; raise `NoSuchCorrection`."""
    correction = _of_desk(code, actor)
    said = read(correction)
    row = correction.record
    register = register_of(correction.register)
    if storage.in_archive(register, row):
        return Sheet(correction, None, said, archived=True)
    reader = _officer(actor, correction)
    permit(reader, register=correction.register, persons=[said["person"]], wanted=[correction.field])
    record = storage.opened(register, row)
    return Sheet(correction, record.get(correction.field), said)


def decide(code: str, actor: Actor, *, accept: bool, words: str) -> Correction:
    """Accept or decline a request, with *words* for its person; an accepted one is a new version of the same days.

    Whoever read the fact since it was written is told, and the person that it is decided. Raise `NoSuchCorrection` or
    `Decided`.
    """
    with transaction.atomic():
        correction = _of_desk(code, actor, lock=True)
        if correction.state != Correction.OPEN:
            raise Decided
        said = read(correction)
        if accept:
            _write(correction, said, actor)
            for client in _users(correction, said["person"]):
                tell.defer(code=code, client=client)
        correction.state = Correction.ACCEPTED if accept else Correction.DECLINED
        correction.decided, correction.decided_by = clock.now(), actor.post
        place = _place(code)
        correction.sealed = sealed.seal({**said, "words": words}, subject=said["person"], place=place)
        correction.save()
        answer.defer(code=code)
        facts = {"code": code, "register": correction.register, "field": correction.field}
        outbox.state(CorrectionDecided(by=actor, accepted=accept, **facts))
    return correction


def late_at_desk(actor: Actor, late: Mapping[str, int]) -> int:
    """Return how many open requests are past their limit among those the actor's post decides on; *late* by `LATE`."""
    return sum(late.get(register, 0) for register in decided_by(actor))


def look_for_overdue() -> None:
    """State, once for each, that the limit of an open request has passed; its person is told."""
    late = Correction.objects.filter(state=Correction.OPEN, overdue=None, due__lt=clock.now())
    for code in late.order_by("due").values_list("code", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            correction = Correction.objects.select_for_update().get(code=code)
            if correction.state == Correction.OPEN and correction.overdue is None:
                correction.overdue = clock.now()
                correction.save(update_fields=["overdue"])
                tell_late.defer(code=code)
                facts = {"code": code, "register": correction.register, "field": correction.field}
                outbox.state(CorrectionOverdue(by=SYSTEM, **facts))


def _write(correction: Correction, said: Mapping[str, str], actor: Actor) -> None:
    register, row = register_of(correction.register), correction.record
    record = storage.opened(register, row)
    own = {path.partition(".")[0] for path in register.identity}
    values = {**{name: record[name] for name in own}, correction.field: said["value"]}
    request = writing.Request(
        values, _officer(actor, correction), f"correction:{correction.code}", row.valid_from, storage.until(row)
    )
    writing.write(register, request)


def _users(correction: Correction, person: str) -> list[str]:
    """Return the other systems that have read the fact since it was written."""
    since = correction.record.recorded_from
    uses = privacy.uses_of(person, register=correction.register, field=correction.field, since=since)
    return list(dict.fromkeys(use.client for use in uses if use.client != current().subsystem))


def read(correction: Correction) -> dict[str, str]:
    """Return what is sealed in a request: person, value, why, and the owner's words."""
    found: dict[str, str] = sealed.unseal(bytes(correction.sealed), place=_place(correction.code))
    return found


def _of_desk(code: str, actor: Actor, *, lock: bool = False) -> Correction:
    rows = Correction.objects.select_for_update(of=("self",)) if lock else Correction.objects
    found = rows.select_related("record").filter(code=code, register__in=decided_by(actor)).first()
    if found is None:
        raise NoSuchCorrection
    return found


def _officer(actor: Actor, correction: Correction) -> Reader:
    basis = next(iter(privacy.purpose(PURPOSE).basis))
    return Reader(register_of(correction.register).subsystem, actor.post, PURPOSE, basis, correction.code)


def _place(code: str) -> Place:
    return Place("registers_correction", "sealed", code)
