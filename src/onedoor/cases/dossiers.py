"""Dossiers as their people see them, and what they may do with them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import get_language, gettext

from onedoor.cases import handover, journal, queue, rules, seals, shown
from onedoor.cases.context import about
from onedoor.cases.drafts import keep_file
from onedoor.cases.errors import NoSuchCase, NoSuchResult, NotIssuedYet, NotPossible, TooLateToWithdraw
from onedoor.cases.events import DossierWithdrawn, SupplementAnswered
from onedoor.cases.file import DossierView, filename, late
from onedoor.cases.held import RESULTS
from onedoor.cases.journey import moving, service_of, step_at
from onedoor.cases.models import Dossier, Result, Step
from onedoor.cases.views import DossierLine, ResultFile
from onedoor.cases.words import written
from onedoor.exchange.service import ProviderError
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import TooLarge
from onedoor.kernel.ids import BadCaseCode, read_case_code
from onedoor.kernel.said import said
from onedoor.kernel.text import pick
from onedoor.procedures.service import Service
from onedoor.store import keys
from onedoor.store.rows import Joined, Rows, Statement, fetch
from onedoor.store.sealed import KeyDestroyed

PARTY = "cases.party"
LARGEST = 10 * 2**20
BY_CODE = Rows(Dossier, "code = %s", without=["body"])
WHOLE = Joined(
    Rows(Dossier, once=["body"]),
    Rows(Step),
    Rows(Result, without=["file"]),
    source="cases_dossier JOIN cases_step ON cases_step.dossier_id = cases_dossier.id"
    " LEFT JOIN cases_result ON cases_result.dossier_id = cases_dossier.id AND cases_result.step = cases_step.ref"
    " WHERE code = %s",
    order="position",
)
WITH_FILE = Joined(
    Rows(Dossier),
    Rows(Result),
    source="cases_dossier LEFT JOIN cases_result ON cases_result.dossier_id = cases_dossier.id AND kind = %s"
    " WHERE code = %s",
)
OWN = Joined(
    Rows(Dossier),
    Rows(Result, without=["file", "body"]),
    source="cases_dossier LEFT JOIN cases_result ON cases_result.dossier_id = cases_dossier.id"
    " WHERE account = %s OR cases_dossier.id IN (SELECT dossier_id FROM cases_party WHERE person = %s)"
    " ORDER BY submitted_at DESC, code",
)
SEEN = """
SELECT code FROM cases_dossier WHERE code = ANY((SELECT %s::varchar[])::varchar[]) AND (account = %s OR EXISTS (
    SELECT FROM cases_party WHERE cases_party.dossier_id = cases_dossier.id AND person = %s))
"""
"""Codes in a SELECT: however many they are, it is planned once."""


def mark(number: str) -> bytes:
    """Return the blind index by which a person named in a dossier is found."""
    return keys.blind(PARTY, number)


def dossiers(actor: Actor) -> tuple[DossierLine, ...]:
    """Return the actor's dossiers and those that name them as a parent, newest first."""
    rows = OWN.all(actor.person, mark(identity.person_number(actor.person)))
    results = Counter(dossier.code for dossier, result in rows if result)
    return tuple(_line(row, results[code], actor) for code, row in {row.code: row for row, _ in rows}.items())


def _line(dossier: Dossier, results: int, actor: Actor) -> DossierLine:
    service = service_of(dossier)
    return DossierLine(
        code=dossier.code,
        title=service.title,
        about=_about(service, dossier, actor),
        state=dossier.state,
        submitted_at=dossier.submitted_at,
        due=dossier.due,
        late=late(dossier, clock.now()),
        results=results,
    )


def _about(service: Service, dossier: Dossier, actor: Actor) -> str:
    """Return whom the dossier is about, where the actor wrote that name; or that its data were erased."""
    try:
        name = about(service, shown.opened(dossier).body)
    except KeyDestroyed as gone:
        return gone.text(gettext)
    return name if dossier.account == actor.person else ""


def seen(actor: Actor, codes: Collection[str]) -> set[str]:
    """Return those of the cases *codes* that are the actor's or name them."""
    person = mark(identity.person_number(actor.person))
    return {code for (code,) in fetch(SEEN, (list(codes), actor.person, person))}


def view(code: str, actor: Actor, seen: Collection[str] = shown.ALL) -> DossierView:
    """Return a dossier with what is *seen* of it; raise `NoSuchCase` (recorded) for anybody but its people.

    What in it is about others than *actor* is on record as a read of theirs before this returns; with nothing *seen*
    there is nothing personal in it, and no record. It cannot stand in an open transaction.
    """
    with viewing(code, actor, seen) as opened:
        return opened


@contextmanager
def viewing(code: str, actor: Actor, seen: Collection[str] = shown.ALL) -> Iterator[DossierView]:
    """As `view`; the record becomes durable while the block shows it. Nothing may leave before the end of that."""
    found = WHOLE.all(_readable(code))
    dossier = _own(found[0][0] if found else None, code, actor)
    results = {result.step: result for *_, result in found if result}
    opened = DossierView(dossier, [step for _, step, _ in found], results, actor, seen)
    with shown.recording(dossier, opened.known, opened.parts, actor):
        yield opened


def whole_first(code: str, kind: str = "") -> Statement:  # noqa: ARG001 - the parts of an address
    """Return what `viewing` asks first, for `rows.first_asked`."""
    return WHOLE.asked(_readable(code))


def found_first(code: str) -> Statement:
    """Return what `find` asks first."""
    return BY_CODE.asked(_readable(code))


def file_first(code: str, kind: str) -> Statement:
    """Return what `result_file` asks first."""
    return WITH_FILE.asked(kind, _readable(code))


def find(code: str, actor: Actor, *, mine: bool = False) -> Dossier:
    """Return a dossier of the actor's (*mine*: as its applicant); what is another's is not there, and recorded."""
    return _own(BY_CODE.first(_readable(code)), code, actor, mine=mine)


def _readable(code: str) -> str:
    """Return the code as it is kept; one that is none finds nothing."""
    try:
        return read_case_code(code)
    except BadCaseCode:
        return ""


def _own(row: Dossier | None, code: str, actor: Actor, *, mine: bool = False) -> Dossier:
    if row and (row.account == actor.person if mine else is_of(row, actor)):
        return row
    if row:
        with transaction.atomic():
            journal.attempt("dossier-of-another", row.code, actor)
    raise NoSuchCase(code=code[:20])


def is_of(row: Dossier, actor: Actor) -> bool:
    """Return whether the actor applied, or is named in the dossier and therefore sees it."""
    return row.account == actor.person or _named(row, actor)


def _named(row: Dossier, actor: Actor) -> bool:
    return bool(actor.person) and row.parties.filter(person=mark(identity.person_number(actor.person))).exists()


def supplement(code: str, text: str, key: str, actor: Actor, files: dict[str, tuple[str, bytes]] | None = None) -> None:
    """Answer the supplement that was asked for: the clock goes on. The same *key* again changes nothing."""
    dossier = find(code, actor, mine=True)
    text = written(text)
    if sum(len(content) for _name, content in (files or {}).values()) > LARGEST:
        raise TooLarge(limit=said("{n} MB", n=LARGEST // 2**20))
    with moving(dossier.code, actor) as journey:
        body = journey.dossier.read()
        if key and any(one["key"] == key for one in body["supplements"].values()):
            return
        step = next((one for one in journey.steps.values() if one.state == rules.SUPPLEMENT), None)
        if step is None:
            raise NotPossible
        stem = f"supplement-{step.ref}-{step.asked}"
        names = []
        for number, (name, content) in enumerate((files or {}).values()):
            keep_file(journey.dossier.pk, f"{stem}-{number}", name, content, subject=journey.dossier.account)
            names.append(f"{stem}-{number}")
        body["supplements"][f"{step.ref}:{step.asked}"] = {
            "key": key,
            "text": text,
            "at": clock.now().isoformat(),
            "files": names,
        }
        journey.dossier.write(body)
        journey.move(step.ref, "answer")
        event = SupplementAnswered(**journey.facts, step=step.ref, agency=step.agency)
        journal.transition(journey.dossier, "answer", event, step=step.ref, agency=step.agency, words=text)
        queue.pass_on(journey.dossier.code, step)


def withdraw(code: str, actor: Actor) -> None:
    """Withdraw a dossier before its first step is decided; raise `TooLateToWithdraw`.

    The authorities at work are asked first, each now: one that has decided says no, one that does not answer leaves
    everything as it was. Asked again, an authority that has already agreed agrees again; where nobody asks again, it is
    given the step anew after a while.
    """
    dossier = find(code, actor, mine=True)
    service = service_of(dossier)
    steps = list(dossier.steps.all())
    case = rules.CaseAt(tuple(step_at(service, step) for step in steps), service.supplement.times)
    if not rules.may_withdraw(case):
        raise NotPossible
    with transaction.atomic():
        queue.go_on(dossier.code)
    for step in steps:
        if step.state in rules.ACTIVE:
            _end(dossier, step)
    with moving(dossier.code, actor) as journey:
        if _under_way(journey.steps.values()) != _under_way(steps):
            raise NotPossible
        journey.put(rules.withdraw(journey.case))
        row = journal.transition(journey.dossier, "withdraw", DossierWithdrawn(**journey.facts))
        queue.notify(journey.dossier.code, "withdrawn", "", str(row.id))


def _under_way(steps: Iterable[Step]) -> set[tuple[str, int]]:
    return {(step.ref, step.round) for step in steps if step.state in rules.ACTIVE}


def _end(dossier: Dossier, step: Step) -> None:
    try:
        handover.ask(dossier, step, "end", handover.end_message(dossier, step, "withdraw"), "end:withdraw")
    except ProviderError as error:
        agency = nation.current().agencies[step.agency].name
        raise TooLateToWithdraw(agency=pick(agency, get_language() or "")) from error


def result_file(code: str, kind: str, actor: Actor) -> ResultFile:
    """Return a result to download, once that is on record; a file that is not what was kept is not given out."""
    found = WITH_FILE.all(kind, _readable(code))
    dossier, row = _own(found[0][0] if found else None, code, actor), found[0][1]
    if row is None:
        raise NotIssuedYet
    with shown.recording(dossier, shown.opened(dossier), [RESULTS], actor):
        content = row.content()
    if seals.digest(content) != row.sha256:
        raise NoSuchResult
    return ResultFile(filename(dossier.code, kind), content, row.sha256)
