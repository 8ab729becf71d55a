"""Who read data for a dossier: asked of every system of the exchange, each of which keeps its own record of reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
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
from onedoor.privacy.service import ReadView
from onedoor.registers import service as registers

SERVICE = "reads"
WAIT = 5.0
PER_PAGE = 25
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
        correctable = registers.correctable()
        found: dict[str, ReadView] = {}
        holders: dict[str, Text] = {}
        silent = []
        own_reads = own, _own(dossier.code, paged)
        for subsystem, told in chain([own_reads], zip(others, map(_told, answers), strict=True)):
            if told is None:
                silent.append(names[subsystem])
                continue
            asked = {view.record: view for view in told if not before or view.record < before}
            found |= asked
            holders |= dict.fromkeys(asked, names.get(subsystem, {}))
        views, older = _page(found, most)
        readers = tuple(_readers(views, holders, dossier.account, correctable))
        return ReadsView(dossier.code, tuple(views), holders, tuple(silent), readers, older)

    return merged


def _own(code: str, paged: Mapping[str, Any]) -> list[ReadView]:
    return privacy.newest_of_case(code, **paged) if paged else privacy.reads_of_case(code)


def _page(found: Mapping[str, ReadView], most: int) -> tuple[list[ReadView], str]:
    """Return the newest of *found*, as many as a page has, the oldest first, and the record where the next begins."""
    records = sorted(found, reverse=True)
    page = records[:most] if most else records
    older = page[-1] if len(page) < len(records) else ""
    return sorted((found[record] for record in page), key=attrgetter("moment", "record")), older


def _told(answer: Answer | OnedoorError) -> Sequence[ReadView] | None:
    return None if isinstance(answer, OnedoorError) else answer.body.reads


def _readers(
    views: Iterable[ReadView], holders: Mapping[str, Text], account: str, correctable: Correctable
) -> Iterator[Reader]:
    """Yield what each agency did for each purpose, in the order they began."""
    groups: dict[tuple[str, str], list[ReadView]] = {}
    for view in views:
        groups.setdefault((view.by_agency, view.purpose), []).append(view)
    followed = reason(SERVICE, "").purpose
    for (by, purpose), own in groups.items():
        agency = nation.current().agencies.get(by)
        post = agency.posts.get(own[0].by_user.partition(".")[2], {}) if agency else {}
        same = tuple(_same(own, holders, correctable))
        basis = same[0] if all(view.basis == own[0].basis for view in own) else None
        people = purpose == followed
        yield Reader(own[0], post, own[0].by_user == account and not people, people, basis, same)


def _same(views: Iterable[ReadView], holders: Mapping[str, Text], correctable: Correctable) -> Iterator[SameReads]:
    """Yield the reads of one group, those that differ in nothing but their moment together."""
    groups: dict[tuple[object, ...], list[ReadView]] = {}
    for view in views:
        kind = view.register, view.operation, view.refused, view.basis, view.fields
        groups.setdefault(kind, []).append(view)
    for _, same in sorted(groups.items(), key=itemgetter(0)):
        first = same[0]
        wrong = tuple(field for field in correctable.get(first.register, ()) if field in first.fields)
        moments, records = tuple(one.moment for one in same), tuple(one.record for one in same)
        yield SameReads(first, holders[first.record], words.article(first.law), wrong, moments, records)
