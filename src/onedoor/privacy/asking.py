"""The portal asks every system which reads of a person it recorded, at the same time, and merges what they answer."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call, Reason
from onedoor.identity import service as identity
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotFound, OnedoorError
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text
from onedoor.privacy import own, rights, sealing
from onedoor.privacy.errors import NotPermitted, NotShown
from onedoor.privacy.own import SERVICE, Proof, Wanted
from onedoor.privacy.rules import Reader
from onedoor.privacy.sealing import Count
from onedoor.privacy.views import Key, Reads, ReadView, newest

WAIT = 5.0
SeenCases = Callable[[Actor, Collection[str]], Collection[str]]
"""Returns which of some cases the actor may see."""
_seen_cases: list[SeenCases] = []


class NotListed(NotFound):
    """Here no list of all reads of your data is offered: no law lets this site ask every agency for it. The page of each of your cases says who read what for it."""  # noqa: E501 - one sentence after another, one key


@dataclass(frozen=True, slots=True)
class HeldRead:
    """A read, the system that recorded it with its holder's name, and what of its case the person may know.

    ``case`` is "" where it belongs to somebody else; ``leads`` says that there is a page for it; ``own`` that this
    portal asked in the person's place; ``day`` is when, where the nation is.
    """

    view: ReadView
    system: str
    holder: Text
    case: str
    leads: bool
    own: bool
    day: date

    @property
    def key(self) -> Key:
        """Return what no other read has: two systems may answer with the same record."""
        return self.view.record, self.system


Write = Callable[[HeldRead], str]
"""Returns a read as a page shows it."""


@dataclass(frozen=True, slots=True)
class OneRead:
    """What a system answers that is asked for one read."""

    read: ReadView


@dataclass(frozen=True, slots=True)
class OwnReads:
    """A page of reads, newest first, the holders that did not answer, and the record after which the next begins.

    ``lines`` has each read by its key, as it was written for the page.
    """

    reads: tuple[HeldRead, ...]
    silent: tuple[Text, ...]
    next: str = ""
    lines: Mapping[Key, str] = field(default_factory=dict)


def listed() -> bool:
    """Return whether the nation's rights let this portal ask for the reads of a person."""
    return rights.of_service(SERVICE) is not None


def tell_cases(seen: SeenCases) -> None:
    """Have *seen* tell which cases a person may see: reads for all others are shown without their case."""
    _seen_cases.append(seen)


def reads(actor: Actor, wanted: Wanted) -> OwnReads:
    """Ask every system for the reads of who acts, and merge them; who does not answer is named.

    Each of them records the question; the portal holds no register and keeps no second record of it.
    """
    return ask(actor, wanted)(_unwritten)


def ask(actor: Actor, wanted: Wanted) -> Callable[[Write], OwnReads]:
    """As `reads`, but return once all are asked: what is returned waits for the answers when it is called.

    It is given how a read is written: most are while the last system answers.
    """
    person, reader = identity.person_number(actor.person), _reader(actor)
    others, here = _systems(), settings().subsystem
    more = {**_given(wanted), "most": wanted.most + 1}
    calls = [_call(one, "of-person", {"person": person, **more}, reader, Reads) for one in others]
    answers = exchange.ask_each(calls, timeout=WAIT)

    def merged(write: Write) -> OwnReads:
        found = _Found(_Cases(actor), write, wanted.before)
        found.take(own.reads_of_person(person, Wanted(**more), actor.person), here)
        for system, answer in zip(others, answers, strict=True):
            found.take(None if isinstance(answer, OnedoorError) else answer.body.reads, system)
            if system in others[-2:-1]:  # only the last is waited for now
                found.newest(wanted.most)
        return found.page(wanted)

    return merged


def _unwritten(_held: HeldRead) -> str:
    return ""


class _Found:
    """What the systems answered so far, and those of it that were written already."""

    def __init__(self, cases: "_Cases", write: Write, before: str) -> None:
        self.cases, self.write, self.before = cases, write, before
        self.reads: dict[Key, ReadView] = {}
        self.held: dict[Key, HeldRead] = {}
        self.lines: dict[Key, str] = {}
        self.silent: list[Text] = []

    def take(self, views: Iterable[ReadView] | None, system: str) -> None:
        """Take what *system* answered, as far as it was asked for; nothing is no answer."""
        if views is None:
            self.silent.append(nation.current().holder_of(system))
            return
        asked = (view for view in views if not self.before or view.record < self.before)
        self.reads.update(((view.record, system), view) for view in asked)

    def newest(self, most: int) -> list[HeldRead]:
        """Return the newest *most* reads so far, all of them written; those of one record stay together."""
        page = newest(self.reads, most)
        fresh = [(self.reads[key], key[1]) for key in page if key not in self.held]
        for held in _held(fresh, self.cases):
            self.held[held.key] = held
            self.lines[held.key] = self.write(held)
        return [self.held[key] for key in page]

    def page(self, wanted: Wanted) -> OwnReads:
        """Return the newest reads of all, as many as are *wanted*."""
        page = self.newest(wanted.most)
        # Whether a case of somebody else's touched them is not for anybody to try out by its code.
        shown = tuple(one for one in page if wanted.case in ("", one.case))
        after = page[-1].view.record if shown and len(self.reads) > len(page) else ""
        return OwnReads(shown, tuple(self.silent), after, self.lines)


class _Cases:
    """Which cases *actor* may see, each asked for once."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._asked: set[str] = {""}
        self._seen: set[str] = set()

    def seen(self, codes: Iterable[str]) -> set[str]:
        """Return the cases the actor may see of all that were asked for, those with *codes* too."""
        if fresh := set(codes) - self._asked:
            self._asked |= fresh
            self._seen.update(code for see in _seen_cases for code in see(self.actor, fresh))
        return self._seen


def _held(reads: Sequence[tuple[ReadView, str]], cases: _Cases) -> list[HeldRead]:
    """Return *reads*, each by the system that recorded it, with holders, and those cases that may be known."""
    seen, actor, zone = cases.seen(view.case for view, _ in reads), cases.actor, nation.current().zone
    held = []
    for view, system in reads:
        mine, leads = view.by_user == actor.person, view.case in seen
        holder = nation.current().holder_of(system)
        day = view.moment.astimezone(zone).date()
        held.append(HeldRead(view, system, holder, view.case if mine or leads else "", leads, mine, day))
    return held


def one_read(actor: Actor, system: str, record: UUID) -> HeldRead:
    """Return one read of who acts; raise `NotShown` (recorded where it is) for one that is not theirs."""
    try:
        view = _one(identity.person_number(actor.person), system, record, _reader(actor))
    except (NotPermitted, exchange.Refused) as refused:
        raise NotShown from refused
    return _held([(view, system)], _Cases(actor))[0]


def _one(person: str, system: str, record: UUID, reader: Reader) -> ReadView:
    if system == settings().subsystem:
        return own.one_read(person, record, reader)
    answer: OneRead = _asked(system, "one", {"person": person, "record": str(record)}, reader, OneRead)
    return answer.read


def proof(actor: Actor, read: HeldRead) -> Proof:
    """Return the proof of a read of who acts; its case is in it where they may know it."""
    person, reader = identity.person_number(actor.person), _reader(actor, read.case)
    record = UUID(read.view.record)
    if read.system == settings().subsystem:
        return own.proof_of(person, record, reader)
    answer: Proof = _asked(read.system, "proof", {"person": person, "record": str(record)}, reader, Proof)
    return answer


@dataclass(frozen=True, slots=True)
class SealedCounts:
    """How many sealed reads there were at all systems, by month and agency, and who did not answer."""

    counts: tuple[tuple[Text, Count], ...]
    silent: tuple[Text, ...]


@lru_cache(maxsize=1)
def sealed_counts(_minute: int) -> SealedCounts:
    """Ask every system for its counts of sealed reads, once a minute however many people look."""
    reader = _reader(Actor(person="public"))
    others = _systems()
    why = Reason(reader.purpose, reader.basis)
    user, answered = reader.user, sealing.Counted
    calls = [Call(f"{one}/{sealing.SERVICE}", "counts", {}, reason=why, user=user, answered=answered) for one in others]
    found = sealing.counts()

    def take(_system: str, told: sealing.Counted) -> None:
        found.extend(told.counts)

    silent = exchange.take_each(others, calls, take, timeout=WAIT)
    sums: dict[tuple[str, str], Count] = {}
    for one in found:
        before = sums.get((one.month, one.agency), Count(one.agency, one.month, 0, 0))
        added = before.reads + one.reads, before.postponed + one.postponed
        sums[one.month, one.agency] = Count(one.agency, one.month, *added)
    newest = sorted(sums.values(), key=lambda one: (one.month, one.agency), reverse=True)
    agencies = nation.current().agencies
    named = (
        (agencies[one.agency].name if one.agency in agencies else nation.current().holder_of(one.agency), one)
        for one in newest
    )
    return SealedCounts(tuple(named), tuple(map(nation.current().holder_of, silent)))


def known(system: str) -> bool:
    """Return whether reads are asked of *system*: of this one, and of those that the nation's rights name."""
    return system == settings().subsystem or system in _systems()


def _asked(system: str, path: str, about: Mapping[str, Any], reader: Reader, answered: Any) -> Any:  # noqa: ANN401
    (answer,) = exchange.ask_each([_call(system, path, about, reader, answered)], timeout=WAIT)
    if isinstance(answer, OnedoorError):
        raise answer
    return answer.body


def _call(system: str, path: str, about: Mapping[str, Any], reader: Reader, answered: Any) -> Call:  # noqa: ANN401
    why = Reason(reader.purpose, reader.basis, reader.case)
    return Call(f"{system}/{SERVICE}", path, about, reason=why, user=reader.user, answered=answered)


def _named() -> rights.ServiceRight:
    """Return the right that names the service; raise `NotListed` where the nation has none."""
    if right := rights.of_service(SERVICE):
        return right
    raise NotListed


def _reader(actor: Actor, case: str = "") -> Reader:
    """Return this portal as the reader for who acts, under the right that names the service."""
    right = _named()
    return Reader(settings().subsystem, actor.person, right.purpose, right.basis, case)


def _systems() -> list[str]:
    here = settings().subsystem
    return [one for one in _named().providers if one != here]


def _given(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in asdict(wanted).items() if value}
