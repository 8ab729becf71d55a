"""Who read data for a dossier: asked of every system of the exchange, each of which keeps its own record of reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from onedoor.cases import words
from onedoor.cases.directory import systems
from onedoor.cases.dossiers import find
from onedoor.cases.reasons import providers, reason
from onedoor.cases.views import Reader, ReadsView, SameReads
from onedoor.exchange import service as exchange
from onedoor.exchange.service import Answer, Call
from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text
from onedoor.privacy import service as privacy
from onedoor.privacy.service import Key, ReadView
from onedoor.registers import service as registers

SERVICE = "reads"
WAIT = 5.0
PER_PAGE = 25
Held = tuple[ReadView, str]
"""A read and the system that recorded it."""
Correctable = Mapping[str, tuple[str, ...]]
"""By register the fields that a person can have corrected."""


def reads(code: str, actor: Actor) -> ReadsView:
    """Ask every agency, at the same time, which reads it recorded for this dossier; name those that do not answer."""
    return ask_reads(code, actor)()


def ask_reads(
    code: str, actor: Actor, *, most: int = 0, before: str = "", language: str = ""
) -> Callable[[], ReadsView]:
    """As `reads`, but return once all are asked: what is returned waits for the answers when it is called.

    With *most* it has so many of the newest, or of those before the record *before*, in words of *language* alone.
    """
    dossier = find(code, actor)
    names, own = systems(), settings().subsystem
    others = [subsystem for subsystem in providers(SERVICE) if subsystem != own]
    narrowed = {"before": before, "language": language}
    paged = {"most": most + 1, **{name: value for name, value in narrowed.items() if value}} if most else {}
    why, about = reason(SERVICE, dossier.code), {"case": dossier.code, **paged}
    user, answered = dossier.account, privacy.Reads
    calls = [Call(f"{one}/{SERVICE}", "of-case", about, reason=why, user=user, answered=answered) for one in others]
    answers = exchange.ask_each(calls, timeout=WAIT)

    def merged() -> ReadsView:
        found: dict[Key, ReadView] = {}
        silent = []
        own_reads = own, _own(dossier.code, paged)
        for subsystem, told in chain([own_reads], zip(others, map(_told, answers), strict=True)):
            if told is None:
                silent.append(names[subsystem])
                continue
            asked = (view for view in told if not before or view.record < before)
            found.update(((view.record, subsystem), view) for view in asked)
        page = privacy.newest(found, most)
        older = page[-1][0] if len(page) < len(found) else ""
        held = sorted(((found[key], key[1]) for key in page), key=lambda one: (one[0].moment, one[0].record))
        readers = tuple(_readers(held, names, dossier.account))
        return ReadsView(dossier.code, tuple(view for view, _ in held), tuple(silent), readers, older)

    return merged


def _own(code: str, paged: Mapping[str, Any]) -> list[ReadView]:
    return privacy.newest_of_case(code, **paged) if paged else privacy.reads_of_case(code)


def _told(answer: Answer | OnedoorError) -> Sequence[ReadView] | None:
    return None if isinstance(answer, OnedoorError) else answer.body.reads


def _readers(held: Iterable[Held], names: Mapping[str, Text], account: str) -> Iterator[Reader]:
    """Yield what each agency did for each purpose, in the order they began."""
    groups: dict[tuple[str, str], list[Held]] = {}
    for view, system in held:
        groups.setdefault((view.by_agency, view.purpose), []).append((view, system))
    followed, correctable = reason(SERVICE, "").purpose, registers.correctable()
    for (by, purpose), own in groups.items():
        first = own[0][0]
        agency = nation.current().agencies.get(by)
        post = agency.posts.get(first.by_user.partition(".")[2], {}) if agency else {}
        same = tuple(_same(own, names, correctable))
        basis = same[0] if all(view.basis == first.basis for view, _ in own) else None
        people = purpose == followed
        yield Reader(first, post, first.by_user == account and not people, people, basis, same)


def _same(held: Iterable[Held], names: Mapping[str, Text], correctable: Correctable) -> Iterator[SameReads]:
    """Yield the reads of one group, those that differ in nothing but their moment together."""
    groups: dict[tuple[object, ...], list[ReadView]] = {}
    for view, system in held:
        kind = view.register, view.operation, view.refused, view.basis, view.fields, system
        groups.setdefault(kind, []).append(view)
    for (*_, holder), same in sorted(groups.items(), key=itemgetter(0)):
        first = same[0]
        wrong = tuple(field for field in correctable.get(first.register, ()) if field in first.fields)
        moments, records = tuple(one.moment for one in same), tuple(one.record for one in same)
        yield SameReads(first, names.get(str(holder), {}), words.article(first.law), wrong, moments, records)
