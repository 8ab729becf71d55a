"""The desk of the system that read: its sealed reads at every system that recorded them, and the decision on one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call, Reason
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text
from onedoor.privacy import rights, rules, sealing
from onedoor.privacy.errors import NoSuchSealedRead, NotPermitted, NotPostponed
from onedoor.privacy.rules import Purpose, Reader
from onedoor.privacy.sealing import SERVICE, Waiting

WAIT = 5.0


@dataclass(frozen=True, slots=True)
class SealedRead:
    """A sealed read of the agency's, the system that recorded it, and the last day to which it can be put off today."""

    seal: Waiting
    system: str
    purpose: Purpose
    moment: datetime
    until: date
    latest: date


@dataclass(frozen=True, slots=True)
class SealedReads:
    """The sealed reads of an agency's system, what is shown next first, and the holders that did not answer."""

    reads: tuple[SealedRead, ...]
    silent: tuple[Text, ...]


def may_postpone(actor: Actor) -> bool:
    """Return whether the actor's post may decide that sealed reads of its system are shown later."""
    return bool(_readers(actor))


def waiting(actor: Actor) -> SealedReads:
    """Ask every system for the sealed reads of the actor's own that are not shown yet; raise `NoSuchSealedRead`."""
    readers, here = _readers(actor), settings().subsystem
    if not readers:
        raise NoSuchSealedRead
    asked = [(reader, system) for reader in readers for system in _systems(reader)]
    found = {one.record: _held(one, here, reader) for reader in readers for one in sealing.waiting(reader)}

    def take(by: tuple[Reader, str], told: Any) -> None:  # noqa: ANN401 - what another system answered
        reader, system = by
        found.update({one["record"]: _held(Waiting(**one), system, reader) for one in told["waiting"]})

    silent = exchange.take_each(asked, [_call(*one, "waiting") for one in asked], take, timeout=WAIT)
    reads = sorted(found.values(), key=lambda one: (one.until, one.seal.record))
    return SealedReads(tuple(reads), tuple(nation.current().holder_of(system) for _reader, system in silent))


def one(actor: Actor, system: str, record: UUID) -> SealedRead:
    """Return the sealed read *record* that *system* recorded; raise `NoSuchSealedRead`."""
    for found in waiting(actor).reads:
        if (found.system, found.seal.record) == (system, str(record)):
            return found
    raise NoSuchSealedRead


def postpone(actor: Actor, read: SealedRead, basis: str, until: date) -> None:
    """Decide that *read* is shown only on *until*, on the article *basis*; raise `NotPostponed`."""
    reader = next(one for one in _readers(actor) if one.purpose == read.purpose.id)
    reader = Reader(reader.client, reader.user, reader.purpose, basis)
    try:
        if read.system == settings().subsystem:
            sealing.postpone(UUID(read.seal.record), until, reader)
            return
        body = {"record": read.seal.record, "until": until.isoformat()}
        call = _call(reader, read.system, "postpone", body)
        exchange.call(call.service, call.path, call.body, reason=call.reason, user=call.user)
    except (NotPermitted, exchange.Refused) as refused:
        raise NotPostponed from refused


def _readers(actor: Actor) -> list[Reader]:
    """Return the actor as the reader for each purpose whose reads their post may postpone."""
    agency, here = nation.current().agencies.get(actor.agency), settings().subsystem
    if agency is None or (here and agency.subsystem != here):
        return []
    today = nation.current().today()
    return [
        reader
        for purpose in rights.purposes().values()
        if purpose.sealed
        and any(grant.reader == agency.subsystem for grant in purpose.grants)
        and (reader := Reader(agency.subsystem, actor.post, purpose.id, next(iter(purpose.basis))))
        and rules.may_postpone(purpose, reader, today)
    ]


def _systems(reader: Reader) -> Iterator[str]:
    here = settings().subsystem
    for grant in rights.purposes()[reader.purpose].grants:
        if grant.service == SERVICE and grant.reader == reader.client and grant.provider != here:
            yield grant.provider


def _call(reader: Reader, system: str, path: str, body: dict[str, str] | None = None) -> Call:
    return Call(f"{system}/{SERVICE}", path, body or {}, reason=Reason(reader.purpose, reader.basis), user=reader.user)


def _held(seal: Waiting, system: str, reader: Reader) -> SealedRead:
    """Return what *system* told; raise ValueError where its moment or its day is none."""
    purpose = rights.purposes()[reader.purpose]
    latest = nation.current().today() + timedelta(days=purpose.sealed.days if purpose.sealed else 0)
    moment, until = datetime.fromisoformat(seal.moment), date.fromisoformat(seal.until)
    return SealedRead(seal, system, purpose, moment, until, latest)
