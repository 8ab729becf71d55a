"""Who may read or write what, for which purpose: decided from the nation's rights alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from onedoor.kernel.text import Text

READ = "read"
WRITE = "write"
CORRECT = "correct"
"""To say for its person that a fact is wrong; its owner decides."""
FOLLOW = "follow"
"""To be told that a record has a new version, never what it says."""
CONSENTS = "consents"
"""The service by which the holder of a register asks whether somebody agreed."""
MOST_ASKED = 100
"""So many persons one question names."""
CONSENT = "consent"
"""The service of the GovStack consent API."""
CONFIGURE, DECIDE, AUDIT = "configure", "decide", "audit"
"""What a right opens of it beside `READ` and `WRITE`: to set up agreements; to give or withdraw one of the nation's own
consents in a person's name; to see what every system keeps."""
PUBSUB = "pubsub"
MANAGE, PUBLISH, SUBSCRIBE = "manage", "publish", "subscribe"
"""What a right opens of a room for events: to make and end event types; to publish; to subscribe, and be told."""
OF_SERVICE: Mapping[str, tuple[str, ...]] = {
    CONSENT: (CONFIGURE, DECIDE, AUDIT),
    PUBSUB: (MANAGE, PUBLISH, SUBSCRIBE),
}
"""Operations that one service alone knows."""
NO_CONSENT = "no-consent"
"""Why a read is refused of who has not agreed to it."""
LONGEST: Mapping[str, int] = {"client": 120, "user": 120, "purpose": 80, "basis": 80, "case": 40}
"""Signs that the record of a use has room for; a longer name is refused, and recorded cut."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks and why: subsystem, user (account or post, never a personal number), purpose, basis, case."""

    client: str
    user: str
    purpose: str
    basis: str
    case: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """An article of law that allows a purpose."""

    id: str
    law: str
    article: str
    text: Text
    illustrative: bool = False
    source: Text | str = ""

    @property
    def reference(self) -> str:
        """Return law and article as one writes them, such as ``63/2024/NĐ-CP 4(5)``."""
        return f"{self.law} {self.article}".strip()


@dataclass(frozen=True, slots=True)
class Seal:
    """For how many days the persons a read is about are not shown it, and which posts may postpone that."""

    days: int
    postponed_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of what a person agrees to, asked from the day *since* on.

    Who agreed to one of the earlier versions in *covers* need not be asked again.
    """

    version: int
    since: date
    text: Text
    covers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """What one subsystem may do with one register, or with one service of a provider."""

    reader: str
    register: str = ""
    service: str = ""
    provider: str = ""
    operations: frozenset[str] = frozenset()
    fields: tuple[str, ...] = ()
    basis: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()
    """The posts that may use it, by hand at the reader's desk; none named, it is for the system and whom it serves."""


@dataclass(frozen=True, slots=True)
class DeskRight:
    """What a post may look up by hand: why, on which basis, which fields of which register."""

    purpose: "Purpose"
    basis: Basis
    register: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Follower:
    """A system that is told of new versions of a register's records: why, on which basis, of which fields."""

    client: str
    purpose: str
    basis: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why data may be used, on which bases, by whom, and from when until when."""

    id: str
    text: Text
    basis: Mapping[str, Basis]
    grants: tuple[Grant, ...]
    valid_from: date = date.min
    valid_until: date = date.max
    without_case: bool = False
    """Whether data may be used for this purpose outside any case: then no case shows it to its person."""
    sealed: Seal | None = None
    consent: tuple[Terms, ...] = ()
    """The versions of what the persons must have agreed to; none where the law needs no consent."""
    objection: bool = False
    """Whether a person may stop it for their data: then the gate looks whether they have."""

    def in_force(self, day: date) -> bool:
        """Return whether the right is valid on *day*."""
        return self.valid_from <= day <= self.valid_until


@dataclass(frozen=True, slots=True)
class Decision:
    """The fields that may be used, in the order of the register; or the reason of the refusal."""

    fields: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the gate; *wanted* None means every field the purpose opens."""

    reader: Reader
    register: str
    operation: str = READ
    wanted: Sequence[str] | None = None


def decide(purposes: Mapping[str, Purpose], question: Question, day: date) -> Decision:
    """Return what *question* may have on *day*; deny by default.

    A read is cut to the granted fields; what else touches any other field is refused as a whole.
    """
    if wrong := _wrong_reason(purposes, question.reader, day):
        return Decision(refused=wrong)
    granted = _granted_fields(purposes[question.reader.purpose], question)
    return _within(granted, question) if granted else Decision(refused="not-granted")


def why_not_held(purposes: Mapping[str, Purpose], reader: Reader, day: date) -> str:
    """Return why *reader* may not read on *day* what its system was given for a case; nothing when it may.

    Which parts it was given says the service's definition; the right must be in force, and name the system.
    """
    if wrong := _wrong_reason(purposes, reader, day):
        return wrong
    named = (name for grant in purposes[reader.purpose].grants for name in (grant.reader, grant.provider))
    return "" if reader.client.casefold() in map(str.casefold, named) else "not-granted"


def _wrong_reason(purposes: Mapping[str, Purpose], reader: Reader, day: date) -> str:
    """Return what is wrong with the reason *reader* gives, whatever it is that they want; or nothing."""
    purpose = purposes.get(reader.purpose)
    if not well_formed(reader):
        return "malformed"
    if purpose is None:
        return "unknown-purpose"
    if not purpose.in_force(day):
        return "purpose-not-in-force"
    if reader.basis not in purpose.basis:
        return "unknown-basis"
    return "" if reader.case or purpose.without_case else "no-case"


def well_formed(reader: Reader) -> bool:
    """Return whether everything *reader* says of itself can be recorded as it stands."""
    said = {name: getattr(reader, name) for name in LONGEST}
    return all(len(text) <= LONGEST[name] and text.isprintable() for name, text in said.items())


def _granted_fields(purpose: Purpose, question: Question) -> tuple[str, ...]:
    fields = [
        name
        for grant in purpose.grants
        if grant.register == question.register and _covers(grant, question.reader, question.operation)
        for name in grant.fields
    ]
    return tuple(dict.fromkeys(fields))


def _within(granted: tuple[str, ...], question: Question) -> Decision:
    if question.wanted is None:
        return Decision(granted)
    fields = tuple(name for name in granted if name in question.wanted)
    if question.operation != READ and set(question.wanted) - set(granted):
        return Decision(refused="fields-not-granted")
    return Decision(fields) if fields else Decision(refused="fields-not-granted")


def terms_on(purpose: Purpose, day: date) -> Terms | None:
    """Return what persons are asked to agree to on *day*: nothing before the first version begins."""
    begun = (one for one in purpose.consent if one.since <= day)
    return max(begun, key=lambda one: one.version, default=None)


def agreed(terms: Terms | None, version: int | None) -> bool:
    """Return whether a consent to *version* (None: there is none, or it was withdrawn) suffices under *terms*."""
    return terms is not None and version is not None and version in {terms.version, *terms.covers}


def hidden_until(purpose: Purpose, operation: str, day: date) -> date | None:
    """Return the day from which a read made on *day* is shown to its persons, when the purpose seals it."""
    return day + timedelta(days=purpose.sealed.days) if purpose.sealed and operation == READ else None


def refusal_hidden_until(purpose: Purpose | None, reader: Reader, operation: str, day: date) -> date | None:
    """Return the day from which a refused read is shown: sealed as a read only for whom the purpose names.

    A stranger who names a sealed purpose hides nothing by it.
    """
    named = purpose and any(grant.reader.casefold() == reader.client.casefold() for grant in purpose.grants)
    known = purpose and named and purpose.in_force(day) and reader.basis in purpose.basis and well_formed(reader)
    return hidden_until(purpose, operation, day) if purpose and known else None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed read: the system that made it, the officers who have decided on it so far, when it would be shown."""

    client: str
    deciders: frozenset[str]
    until: date


def why_not_postponed(purpose: Purpose | None, read: Sealed, reader: Reader, until: date, day: date) -> str:
    """Return why *reader* may not decide on *day* that *read* is shown only on *until*; nothing when they may."""
    seal = purpose.sealed if purpose else None
    if purpose is None or seal is None or not well_formed(reader):
        return "not-sealed"
    if not may_postpone(purpose, reader, day) or reader.client.casefold() != read.client.casefold():
        return "not-granted"
    if reader.user in read.deciders:
        return "same-officer"
    if read.until <= day:
        return "shown-already"
    return "" if read.until < until <= day + timedelta(days=seal.days) else "not-so-long"


def may_postpone(purpose: Purpose | None, reader: Reader, day: date) -> bool:
    """Return whether the post of *reader* may decide on *day* that reads for *purpose* are shown later."""
    if purpose is None or purpose.sealed is None or not purpose.in_force(day):
        return False
    named = reader.purpose == purpose.id and reader.basis in purpose.basis
    return named and reader.user.rpartition(".")[2] in purpose.sealed.postponed_by


def may_call(
    purposes: Mapping[str, Purpose], reader: Reader, *, service: str, provider: str, day: date, operation: str = ""
) -> bool:
    """Return whether *reader* may call *service* of *provider* (a service that is no register) for *operation*."""
    purpose = purposes.get(reader.purpose)
    return bool(
        purpose
        and well_formed(reader)
        and purpose.in_force(day)
        and reader.basis in purpose.basis
        and any(
            grant.service == service and provider in ("", grant.provider) and _covers(grant, reader, operation)
            for grant in purpose.grants
        )
    )


def may_be_told(purposes: Mapping[str, Purpose], sender: Reader, *, subscriber: str, day: date) -> bool:
    """Return whether the room *sender* may push events to *subscriber*, for what it subscribed; "" stands for any."""
    everybody = (grant.reader for one in purposes.values() for grant in one.grants)
    subscribers = [subscriber] if subscriber else list(dict.fromkeys(everybody))
    return any(
        may_call(
            purposes, replace(sender, client=one), service=PUBSUB, provider=sender.client, day=day, operation=SUBSCRIBE
        )
        for one in subscribers
    )


def followers(purposes: Mapping[str, Purpose], register: str, day: date) -> list[Follower]:
    """Return who follows *register* on *day*, each once for a purpose and basis, with all fields that are followed."""
    found: dict[tuple[str, str, str], frozenset[str]] = {}
    for purpose in purposes.values():
        for grant in purpose.grants if purpose.in_force(day) and purpose.without_case else ():
            if grant.register == register and FOLLOW in grant.operations:
                basis = next(key for key in purpose.basis if key in (grant.basis or {key}))
                who = grant.reader, purpose.id, basis
                found[who] = found.get(who, frozenset()) | frozenset(grant.fields)
    return [Follower(*who, fields) for who, fields in found.items()]


def desk_rights(purposes: Mapping[str, Purpose], client: str, user: str, day: date) -> list[DeskRight]:
    """Return what the officer *user* (``police-00199.residence``) of *client* may look up by hand on *day*."""
    found: dict[tuple[str, str], DeskRight] = {}
    for purpose in purposes.values():
        for grant in purpose.grants if purpose.in_force(day) else ():
            basis = next((one for key, one in purpose.basis.items() if not grant.basis or key in grant.basis), None)
            reader = Reader(client, user, purpose.id, basis.id if basis else "")
            if basis and grant.posts and grant.register and _covers(grant, reader, READ):
                before = found.get((purpose.id, grant.register))
                fields = dict.fromkeys([*(before.fields if before else ()), *grant.fields])
                right = DeskRight(purpose, before.basis if before else basis, grant.register, tuple(fields))
                found[purpose.id, grant.register] = right
    return list(found.values())


def _covers(grant: Grant, reader: Reader, operation: str) -> bool:
    return (
        grant.reader.casefold() == reader.client.casefold()
        and (not operation or operation in grant.operations)
        and (not grant.basis or reader.basis in grant.basis)
        and (not grant.posts or reader.user.rpartition(".")[2] in grant.posts)
    )
