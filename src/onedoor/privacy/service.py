"""The door of privacy: the gate every use of a person's data passes, and what it recorded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.text import Text
from onedoor.privacy import records, rights, rules
from onedoor.privacy.asking import listed as lists_reads
from onedoor.privacy.asking import tell_cases
from onedoor.privacy.breaches.definition import is_authority, may_report
from onedoor.privacy.breaches.hearing import BreachWords
from onedoor.privacy.breaches.hearing import words_of as breach_words
from onedoor.privacy.calls import admitted, may_be_told, permit_call, permit_event, reader_of
from onedoor.privacy.consents import decisions
from onedoor.privacy.consents.asking import without_consent
from onedoor.privacy.errors import NotPermitted, UnknownPurpose
from onedoor.privacy.own import look
from onedoor.privacy.postponing import may_postpone
from onedoor.privacy.records import About
from onedoor.privacy.requests import definition, stopping
from onedoor.privacy.requests.deciding import decides as decides_on_requests
from onedoor.privacy.rights import of_service as service_right
from onedoor.privacy.rules import (
    CORRECT,
    FOLLOW,
    MANAGE,
    PUBLISH,
    PUBSUB,
    READ,
    SUBSCRIBE,
    WRITE,
    Basis,
    DeskRight,
    Follower,
    Purpose,
    Question,
    Reader,
)
from onedoor.privacy.sealing import postpone
from onedoor.privacy.views import (
    Key,
    Reads,
    ReadView,
    Use,
    newest,
    newest_of_case,
    readers_of,
    reads_of_case,
    records_of,
    tell_words,
    uses_of,
)
from onedoor.privacy.words import of_post

__all__ = [
    "CORRECT",
    "MANAGE",
    "PUBLISH",
    "PUBSUB",
    "READ",
    "SUBSCRIBE",
    "WRITE",
    "About",
    "Basis",
    "BreachWords",
    "DeskRight",
    "Follower",
    "Held",
    "Key",
    "NotPermitted",
    "Permit",
    "Purpose",
    "ReadView",
    "Reader",
    "Reads",
    "UnknownPurpose",
    "Use",
    "admitted",
    "agrees",
    "basis_text",
    "breach_words",
    "check",
    "decides_on_requests",
    "desk_rights",
    "fields_granted",
    "followers",
    "handles_breaches",
    "lists_reads",
    "look",
    "may_be_told",
    "may_postpone",
    "newest",
    "newest_of_case",
    "of_post",
    "permit",
    "permit_call",
    "permit_event",
    "permit_held",
    "permit_notice",
    "permitting",
    "permitting_held",
    "postpone",
    "purpose",
    "reader_of",
    "readers_of",
    "reads_of_case",
    "records_of",
    "right_name",
    "service_right",
    "stopped",
    "tell_cases",
    "tell_words",
    "turned_away",
    "uses_of",
]


UNFIT = "unfit"
"""Why something is refused that the rights allow: what is kept is otherwise, or is not there."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What the gate opened: the fields, in the register's order, and the id of the durable record."""

    fields: tuple[str, ...]
    record: str


def permit(
    reader: Reader,
    *,
    register: str,
    persons: About,
    wanted: Sequence[str] | None = None,
    operation: str = READ,
) -> Permit:
    """Return which fields *reader* may use, once the record of it is durable; raise `NotPermitted`, recorded too.

    *persons* are the personal numbers the data are about, perhaps each with the fields that are that person's own:
    then they are shown no others. A purpose that stands on consent needs that of each of them, as it is now.
    The record of a read is committed before this returns, so a read cannot stand in an open transaction; that of a
    write commits with the write or not at all.
    """
    fields, until = _permitted(reader, register, persons, wanted, operation)
    return Permit(fields, records.allowed(reader, register, operation, fields, persons, hidden_until=until))


@dataclass(frozen=True, slots=True)
class Held:
    """A read of what a system was given for a case: by whom and why, *what* (no register), which parts, about whom."""

    reader: Reader
    what: str
    fields: Sequence[str]
    persons: About


def permit_held(*reads: Held) -> list[str]:
    """Return the ids of the records of *reads* once all are durable; raise `NotPermitted`, recorded too.

    It cannot stand in an open transaction.
    """
    return records.allowed_each([(one.reader, one.what, one.fields, one.persons, _held_until(one)) for one in reads])


@contextmanager
def permitting_held(read: Held) -> Iterator[None]:
    """As `permit_held` for one read: its record becomes durable while the block runs, at the latest at its end.

    What is read in the block may leave only after it: if the record cannot be kept, the end of the block raises.
    """
    until = _held_until(read)
    with records.allowing(read.reader, read.what, read.fields, read.persons, hidden_until=until):
        yield


def _held_until(read: Held) -> date | None:
    """Return until when *read* stays hidden from its persons; raise `NotPermitted`, recorded."""
    reader, purposes, today = read.reader, rights.purposes(), nation.current().today()
    if wrong := rules.why_not_held(purposes, reader, today):
        until = rules.refusal_hidden_until(purposes.get(reader.purpose), reader, READ, today)
        records.refused(reader, read.what, READ, read.fields, wrong, read.persons, until)
        raise NotPermitted(reason=wrong, register=read.what)
    _not_stopped(reader, read.what, READ, read.fields, list(read.persons))
    _agreed(reader, read.what, READ, read.fields, list(read.persons))
    return rules.hidden_until(purposes[reader.purpose], READ, today)


@contextmanager
def permitting(
    reader: Reader, *, register: str, persons: About, wanted: Sequence[str] | None = None
) -> Iterator[Permit]:
    """As `permit`, for a read of which is known whom it will be about: its record becomes durable while it is read.

    What is read in the block may leave only after it: if the record cannot be kept, the end of the block raises.
    """
    fields, until = _permitted(reader, register, persons, wanted, READ)
    with records.allowing(reader, register, fields, persons, hidden_until=until) as record:
        yield Permit(fields, record)


def _permitted(
    reader: Reader, register: str, persons: About, wanted: Sequence[str] | None, operation: str
) -> tuple[tuple[str, ...], date | None]:
    """Return the fields that are open, and until when that stays hidden from *persons*."""
    fields = check(reader, register=register, persons=list(persons), wanted=wanted, operation=operation)
    _agreed(reader, register, operation, fields, list(persons))
    return fields, rules.hidden_until(rights.purposes()[reader.purpose], operation, nation.current().today())


def _agreed(reader: Reader, register: str, operation: str, fields: Sequence[str], persons: Sequence[str]) -> None:
    """Return when each of *persons* agrees to the purpose, where it stands on consent; raise `NotPermitted`."""
    purpose = rights.purposes()[reader.purpose]
    if purpose.consent and (lacking := without_consent(purpose, persons, reader)):
        # Recorded about them alone: nobody else is told who has not agreed.
        records.refused(reader, register, operation, fields, rules.NO_CONSENT, lacking)
        raise NotPermitted(reason=rules.NO_CONSENT, register=register)


def _not_stopped(reader: Reader, register: str, operation: str, fields: Sequence[str], persons: Sequence[str]) -> None:
    """Return when none of *persons* has stopped the purpose; raise `NotPermitted`."""
    if told := stopping.stopped(rights.purposes()[reader.purpose], persons):
        # Recorded about them alone: nobody else is told who stopped it.
        records.refused(reader, register, operation, fields, stopping.RESTRICTED, told)
        raise NotPermitted(reason=stopping.RESTRICTED, register=register)


def check(
    reader: Reader,
    *,
    register: str,
    persons: Sequence[str],
    wanted: Sequence[str] | None = None,
    operation: str = READ,
) -> tuple[str, ...]:
    """Return the fields `permit` would open, without recording; raise `NotPermitted`, which is recorded."""
    question = Question(reader, register, operation, wanted)
    purposes, today = rights.purposes(), nation.current().today()
    decision = rules.decide(purposes, question, today)
    if decision.refused:
        until = rules.refusal_hidden_until(purposes.get(reader.purpose), reader, operation, today)
        records.refused(reader, register, operation, wanted or (), decision.refused, persons, until)
        raise NotPermitted(reason=decision.refused, register=register)
    _not_stopped(reader, register, operation, wanted or (), persons)
    return decision.fields


def turned_away(
    reader: Reader, *, register: str, persons: Sequence[str], wanted: Sequence[str], operation: str
) -> None:
    """Record that what `check` let pass came to nothing because of what is kept: its refusal tells what that is."""
    records.refused(reader, register, operation, wanted, UNFIT, persons)


def stopped(purpose_id: str, persons: Sequence[str]) -> bool:
    """Return whether one of *persons* (personal numbers) has stopped the use of their data here for a purpose."""
    return bool(stopping.stopped(purpose(purpose_id), persons))


def agrees(person: str, purpose_id: str) -> bool:
    """Return whether *person* (a personal number) agrees to what a purpose asks today; where the consents are kept."""
    return decisions.agreed(purpose_id, [person])[0]


def followers(register: str) -> list[Follower]:
    """Return the systems that are told of new versions of the records of *register* today."""
    return rules.followers(rights.purposes(), register, nation.current().today())


def permit_notice(reader: Reader, *, register: str, follower: str, fields: Sequence[str]) -> None:
    """Return when *reader*, who holds *register*, may tell *follower* that *fields* of a record were written.

    Raise `NotPermitted`, which is recorded. A *follower* of "" stands for any (tests).
    """
    said = reader.purpose, reader.basis
    allowed = (one for one in followers(register) if (one.purpose, one.basis) == said and follower in ("", one.client))
    if not rules.well_formed(reader) or not any(one.fields.issuperset(fields) for one in allowed):
        records.refused(reader, register, FOLLOW, fields, "not-granted", ())
        raise NotPermitted(reason="not-granted", register=register)


def desk_rights(client: str, user: str, day: date) -> list[DeskRight]:
    """Return what the officer *user* of the system *client* may look up by hand on *day*: rights that name the post."""
    return rules.desk_rights(rights.purposes(), client, user, day)


def fields_granted(client: str, operation: str, purpose_id: str) -> dict[str, tuple[str, ...]]:
    """Return by register the fields that *client* may use by *operation* for a purpose; raise `UnknownPurpose`."""
    grants = [one for one in purpose(purpose_id).grants if operation in one.operations and one.register]
    return {one.register: one.fields for one in grants if one.reader.casefold() == client.casefold()}


def purpose(id: str) -> Purpose:  # noqa: A002 - the word of the right's file
    """Return the purpose *id* with its bases and texts; raise `UnknownPurpose`."""
    found = rights.purposes().get(id)
    if found is None:
        raise UnknownPurpose(purpose=id[:80])
    return found


def right_name(right: str) -> Text:
    """Return what the nation calls one of the rights of a person over their data, such as ``restrict``."""
    return definition.current().rights[right].text


def basis_text(purpose_id: str, basis: str) -> Text:
    """Return the words of a legal basis of a purpose; raise `UnknownPurpose` when it has none of that id."""
    found = purpose(purpose_id).basis.get(basis)
    if found is None:
        raise UnknownPurpose(purpose=f"{purpose_id}, {basis}"[:80])
    return found.text


def handles_breaches(actor: Actor) -> bool:
    """Return whether the actor's post gives notice of breaches of personal data, or takes such notices."""
    return may_report(actor) or is_authority(actor)
