"""Drafts: facts fetched once, answers page by page, all sealed under the applicant's key."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from onedoor.cases import naming
from onedoor.cases.context import found_plain, inputs_of, known
from onedoor.cases.errors import BadAnswers, NoDraft
from onedoor.cases.facts import Asker
from onedoor.cases.models import Attachment, Dossier, Draft
from onedoor.cases.opened import Opened
from onedoor.cases.paper import Paper, today
from onedoor.cases.views import AnswerView, DraftView
from onedoor.identity import service as identity
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotAllowed
from onedoor.kernel.ids import case_code, uuid7
from onedoor.kernel.text import Text
from onedoor.procedures import service as procedures
from onedoor.procedures.service import AnswerFault, Context, Field, Page, Service
from onedoor.store.rows import Joined, Rows

Raw = Mapping[str, str | list[str]]
Files = Mapping[str, tuple[str, bytes]]
Body = dict[str, Any]
TRIES = 8
CHANGES = 3
"""How often a change is made to a draft that something else changes meanwhile."""
ASKED_AGAIN_AFTER = timedelta(seconds=15)
"""How long a register that did not answer is left in peace while its person goes on with the form."""
OPEN = Rows(Draft, "account = %s AND service = ANY(%s) AND submitted_as = '' ORDER BY saved_at DESC")
OF_ONE = Rows(Attachment, "holder = %s", without=["content"])
WITH_FILES = Joined(
    Rows(Draft),
    OF_ONE,
    source=f"cases_draft LEFT JOIN cases_attachment ON holder = cases_draft.id WHERE {OPEN.where}, cases_draft.id",
)
OPENED: Opened[Paper] = Opened()


class HigherLevelNeeded(NotAllowed):
    """This service needs an electronic identity of level {level}. Please sign in with it."""


def begin(service: str, actor: Actor) -> DraftView:
    """Return the actor's open draft of *service*, begun now if there is none, with all facts fetched."""
    row = _row(service, actor)
    if row is None:
        definition = procedures.in_force(service, nation.current().today())
        if actor.level < definition.min_level:
            raise HigherLevelNeeded(level=definition.min_level)
        row = _new(definition, actor)
    body = row.read()
    asks_again = bool(body["failed"]) and naming.named(service_of(row), body["answers"])
    return _counted(actor, row, lambda _body: None, names=asks_again, retry=True).view


def draft(service: str, actor: Actor) -> DraftView:
    """Return the actor's open draft of *service*; raise `NoDraft`."""
    return _seen(service, actor).view


def resume(service: str, actor: Actor) -> DraftView:
    """Return the actor's open draft as they come back to it; raise `NoDraft`.

    What stands in its way, and what a register did not answer, is asked again, but not at once: by now it may be there.
    """
    paper = _seen(service, actor)
    waits = paper.in_the_way or paper.body["failed"]
    if waits and clock.now() - paper.draft.saved_at > ASKED_AGAIN_AFTER:
        return refresh(service, actor)
    return paper.view


def drafts(actor: Actor) -> tuple[DraftView, ...]:
    """Return the actor's open drafts of the services in force today, the last one saved first."""
    services = [one.id for one in procedures.services(nation.current().today())]
    return tuple(_paper(row, attached=held).view for row, held in _found(actor, services))


def refresh(service: str, actor: Actor) -> DraftView:
    """Ask again for the facts that are missing, and for those that stand in the way."""
    row = _open(service, actor)
    before = _paper(row)
    in_the_way = before.in_the_way
    undecided = not before.barred() and naming.named(before.service, before.body["answers"])

    def forget(body: Body) -> None:
        found = body["found"].items()
        body["found"] = {key: one for key, one in found if one["records"] and key not in in_the_way}

    return _counted(actor, row, forget, names=undecided, retry=True).view


def answer(service: str, page: str, raw: Raw, actor: Actor, files: Files | None = None) -> DraftView:
    """Store the answers of *page* (field to what was typed; files: field to name and bytes); raise `BadAnswers`.

    A closed page asks nothing, so it takes nothing. A register that was silent is asked again, but not at once.
    """
    row = _open(service, actor)
    definition, paper = service_of(row), _paper(row)
    if page in paper.closed:
        return paper.view

    def take(body: Body) -> None:
        taken = _Answers(row, definition, body, files or {}).take(definition.page(page), raw)
        if taken.errors:
            raise BadAnswers(taken.errors)
        body["done"] = [*(one for one in body["done"] if one != page), page]

    retry = bool(paper.body["failed"]) and clock.now() - row.saved_at > ASKED_AGAIN_AFTER
    names = naming.names_somebody(definition.page(page), raw)
    names = names or (retry and naming.named(definition, paper.body["answers"]))
    return _counted(actor, row, take, names=names, retry=retry).view


def dispute(service: str, fact: str, actor: Actor, *, right: bool = False) -> DraftView:
    """Say that *fact* is not right: its questions are asked from now on. That it is *right* after all takes it back."""
    row = _open(service, actor)
    definition = service_of(row)

    def say(body: Body) -> None:
        others = [one for one in body["disputed"] if one != fact]
        known = fact in definition.facts or fact in definition.fields
        body["disputed"] = [*others, fact] if known and not right else others

    return _changed(row, say).view


def review(service: str, actor: Actor) -> tuple[DraftView, tuple[AnswerView, ...]]:
    """Return the actor's open draft of *service* and all that would be submitted; raise `NoDraft`."""
    paper = _seen(service, actor)
    return paper.view, paper.declared


def discard(service: str, actor: Actor) -> None:
    """Throw the draft away."""
    row = _open(service, actor)
    with transaction.atomic():
        Attachment.objects.filter(holder=row.pk).delete()
        row.delete()


def service_of(row: Draft) -> Service:
    """Return the definition a draft began with."""
    if row.digest:
        return procedures.pinned(row.service, row.version, row.digest)
    return procedures.get(row.service, row.version)  # begun before drafts kept a digest


def _row(service: str, actor: Actor) -> Draft | None:
    return OPEN.first(actor.person, [service])


def _found(actor: Actor, services: Sequence[str]) -> Iterator[tuple[Draft, list[Attachment]]]:
    """Yield the actor's open drafts of *services* and the files of each, all found by one statement."""
    found = WITH_FILES.all(actor.person, list(services))
    for _, lines in groupby(found, key=lambda line: line[0].pk):
        rows, files = zip(*lines, strict=True)
        yield rows[0], [file for file in files if file]


def _seen(service: str, actor: Actor) -> Paper:
    for row, held in _found(actor, [service]):
        return _paper(row, attached=held)
    raise NoDraft


def _paper(row: Draft, body: Body | None = None, attached: Sequence[Attachment] | None = None) -> Paper:
    """Return the draft opened, as it was opened last when nothing changed since."""
    if attached is None:
        attached = OF_ONE.all(row.pk) if _takes_files(row) else ()
    files = tuple((one.pk, one.field) for one in attached)

    def make() -> Paper:
        return Paper(row, service_of(row), row.read() if body is None else body, attached)

    return OPENED.of(bytes(row.body), make, row.pk, row.saved_at, files, nation.current().path)


def _takes_files(row: Draft) -> bool:
    return any(field.kind == "file" for field in service_of(row).fields.values())


def _open(service: str, actor: Actor) -> Draft:
    row = _row(service, actor)
    if row is None:
        raise NoDraft
    return row


def _new(service: Service, actor: Actor) -> Draft:
    """Begin a draft under a new case code; begun twice at the same time it is one."""
    session = {"number": identity.person_number(actor.person), "name": actor.name, "level": actor.level}
    now = clock.now()
    row = Draft(
        id=uuid7(), account=actor.person, service=service.id, version=service.version, digest=procedures.pin(service),
        started_at=now, saved_at=now,
    )  # fmt: skip
    row.write(
        {
            "today": today(),
            "session": session,
            "answers": {},
            "found": {},
            "failed": {},
            "disputed": [],
            "done": [],
            "case": None,
        }
    )
    for _ in range(TRIES):
        row.code = case_code(nation.current().calendar.local(now))
        if Dossier.objects.filter(code=row.code).exists():
            continue
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            if other := _row(service.id, actor):
                return other
        else:
            break
    return row


def _changed(row: Draft, change: Callable[[Body], None], *, retry: bool = False) -> Paper:
    """Change a draft and fetch what the change makes possible; registers are asked outside any transaction.

    What the person did meanwhile, in another tab or after going back, stays: the change is made to that, unless the
    draft is changed all the time. Raise `NoDraft`.
    """
    for left in reversed(range(CHANGES)):
        if paper := _changed_once(row, change, retry=retry, over=not left):
            return paper
        if (now := Draft.objects.filter(pk=row.pk, submitted_as="").first()) is None:
            raise NoDraft
        row = now
    raise NoDraft


def _changed_once(row: Draft, change: Callable[[Body], None], *, retry: bool, over: bool) -> Paper | None:
    """Change a draft as it stands in *row*; where it no longer does, write *over* it, or leave all and return None."""
    service, body = service_of(row), row.read()
    body["today"] = today()
    change(body)
    if retry:
        body["failed"] = {}
    asker = Asker(row.code, row.account, frozenset(body["failed"]))
    body["found"] = found_plain(procedures.settle(service, inputs_of(body), asker))
    body["failed"] = {**body["failed"], **asker.failed}
    with transaction.atomic():
        now = Draft.objects.select_for_update().filter(pk=row.pk, submitted_as="").first()
        if now is None or not (over or bytes(now.body) == bytes(row.body)):
            return None
        now.write(body)
        now.saved_at = clock.now()
        now.save()
    return _paper(now, body)


def _counted(actor: Actor, row: Draft, change: Callable[[Body], None], *, names: bool, retry: bool = False) -> Paper:
    """Change a draft; a change that *names* somebody by number counts when it opens nothing."""
    if not names:
        return _changed(row, change, retry=retry)
    with naming.counted(row.code, actor) as in_vain:
        paper = _changed(row, change, retry=retry)
        if paper.barred():
            in_vain()
    return paper


class _Answers:
    """Takes the answers of one page in their order: an answer may show or hide the questions after it."""

    def __init__(self, row: Draft, service: Service, body: Body, files: Files) -> None:
        self.row, self.service, self.body, self.files = row, service, body, files
        self.errors: dict[str, Text] = {}

    def take(self, page: Page, raw: Raw) -> "_Answers":
        """Put what was typed into the draft; what is wrong stays in `errors`.

        A question that shows only because of an answer given now was not on the page: it is asked next, not missed.
        """
        before = procedures.visible_fields(page, known(self.service, self.body))
        for field in page.fields:
            context = known(self.service, self.body)
            if field not in procedures.visible_fields(page, context):
                self.body["answers"].pop(field.id, None)
                continue
            try:
                self.body["answers"][field.id] = self._value(field, raw, context)
            except AnswerFault as fault:
                if field not in before and field.id not in raw and field.id not in self.files:
                    continue
                self.errors[field.id] = procedures.words_of(fault)
        return self

    def _value(self, field: Field, raw: Raw, context: Context) -> Any:  # noqa: ANN401 - any answer
        if field.kind == "file":
            return self._file(field, context)
        return procedures.validate_answer(field, raw.get(field.id, ""), context)

    def _file(self, field: Field, context: Context) -> Any:  # noqa: ANN401 - any answer
        name, content = self.files.get(field.id, ("", b""))
        if not content:
            kept = self.body["answers"].get(field.id, "")
            return procedures.validate_answer(field, kept, context)
        procedures.check_file(field, name, len(content))
        return str(keep_file(self.row.pk, field.id, name, content, subject=self.row.account))


def keep_file(holder: UUID, field: str, name: str, content: bytes, *, subject: str) -> UUID:
    """Seal a file for *holder* (a draft or dossier) in the place of one that stood there; return its id."""
    row = Attachment(
        id=uuid7(), holder=holder, field=field, size=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    row.write(name[:200], content, subject=subject)
    with transaction.atomic():
        Attachment.objects.filter(holder=holder, field=field).delete()
        row.save(force_insert=True)
    return row.pk
