"""A draft as its person sees it: pages, questions, facts with sources, what is missing, what stands in the way."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils.translation import gettext_noop

from onedoor.cases import directory, words
from onedoor.cases.context import counting, source_behind
from onedoor.cases.models import Attachment, Draft
from onedoor.cases.views import AnswerView, Choice, DraftView, Fact, MissingFact, OwnerView, PageView, Question
from onedoor.kernel import clock, nation
from onedoor.kernel.clock import Limit
from onedoor.kernel.text import Text
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Condition, Field, Page, Service, Source
from onedoor.procedures.service import Fact as Known

SILENT = gettext_noop(
    "This register does not answer at the moment. Nothing is lost: your answers are kept. Please try again."
)
KEPT = Limit.parse("30d")


class Paper:
    """One draft opened: its service, its plain data and what expressions know of it."""

    def __init__(
        self, draft: Draft, service: Service, body: Mapping[str, Any], attached: Iterable[Attachment] | None = None
    ) -> None:
        self.draft = draft
        self.service = service
        self.body = body
        self.answers, self.known = counting(service, body)
        self.visible = procedures.visible_pages(service, self.known)
        rows = Attachment.objects.filter(holder=draft.pk).defer("content") if attached is None else attached
        self.files = {row.field: row.title() for row in rows}

    @cached_property
    def view(self) -> DraftView:
        """Return all of it for the pages."""
        pages, barred = tuple(self._pages()), self.barred()
        facts = {fact.name: fact for page in pages for fact in page.facts}
        missing = tuple(self._missing())
        open_pages = [page.id for page in pages if not page.done]
        stopped = any(one.fallback == "stop" for one in missing)
        return DraftView(
            id=str(self.draft.pk),
            service=self.service.id,
            version=self.service.version,
            title=self.service.title,
            pages=pages,
            facts=tuple(facts.values()),
            missing=missing,
            barred=tuple(barred),
            saved_at=self.draft.saved_at,
            kept_until=kept_until(self.draft),
            again=bool(self.in_the_way),
            counted=self._counted,
            ready=not open_pages and not self._failing and not stopped,
            next_page=open_pages[0] if open_pages else "",
            agencies=tuple(self.owners()) if not open_pages and not self._failing else (),
        )

    def barred(self) -> list[Text]:
        """Return why this service cannot be asked for; what rests on a register that is silent is not decided yet."""
        return [rule.otherwise for rule in self._failing if not self._undecided(rule)]

    def _undecided(self, rule: Condition) -> bool:
        return not procedures.sources_behind(self.service, rule).isdisjoint(self.body["failed"])

    @cached_property
    def pages(self) -> list[Page]:
        """Return the pages of the form as far as this person may know; one that is closed always counts as one."""
        return [page for page in self.service.pages if page.id in self.closed or page in self.visible]

    @cached_property
    def _counted(self) -> bool:
        """Return whether no answer of person or register that is still to come adds a page or takes one away."""
        done = self.body["done"]
        waiting = {
            field.id
            for page in self.visible
            for field in (
                procedures.missing_answers(page, self.known)
                if page.id in done
                else procedures.visible_fields(page, self.known)
            )
            if self.known["form"][field.id] is None
        }
        resting = (procedures.deciding(self.service, page) for page in self.service.pages)
        open_ones = waiting | set(self.body["failed"])
        return not self.closed and all(open_ones.isdisjoint(asked | sources) for asked, sources in resting)

    @cached_property
    def in_the_way(self) -> frozenset[str]:
        """Return the sources that what stands in the way rests on: their registers may say otherwise by now."""
        behind = (procedures.sources_behind(self.service, rule) for rule in self._failing)
        return frozenset[str]().union(*behind)

    @cached_property
    def _failing(self) -> list[Condition]:
        """Return the conditions that do not hold by what is known now: those after the first page that bars.

        What is checked after a later page rests on records that this person may not know of.
        """
        done = [page.id for page in self.visible if page.id in self.body["done"]]
        conditions = procedures.ineligible(self.service, self.known, done[-1] if done else None)
        failing = [rule for rule in conditions if done or not rule.after]
        first = min(map(self._place, failing), default=0)
        return [rule for rule in failing if self._place(rule) == first]

    def _place(self, rule: Condition) -> int:
        return [page.id for page in self.service.pages].index(rule.after) if rule.after else 0

    @cached_property
    def closed(self) -> frozenset[str]:
        """Return the pages after those that bar the person: what registers hold for them is not this person's to see.

        Who types somebody's number learns nothing of that person before it is known that they may ask.
        """
        after = self.service.pages[self._place(self._failing[0]) + 1 :] if self._failing else ()
        return frozenset(page.id for page in after)

    def owners(self) -> Iterator[OwnerView]:
        """Yield which agency will do what within how long."""
        for step in procedures.steps_of(self.service, self.known):
            agency = procedures.owner(step, self.known)
            yield OwnerView(step.id, step.title, agency, directory.agency_name(agency), step.within)

    @cached_property
    def declared(self) -> tuple[AnswerView, ...]:
        """Return every fact and answer that would be submitted."""
        return tuple(self._declared())

    def _declared(self) -> Iterator[AnswerView]:
        closed = self.closed
        for page in (one for one in self.service.pages if one.id not in closed):
            for fact in procedures.visible_facts(page, self.known):
                value = words.fact(fact, self.known)
                yield AnswerView(fact.id, fact.label, value, self._holder(fact), fact.id in self.body["disputed"])
            settled = procedures.settled_fields(page, self.known)
            for field in page.fields:
                if self.known["form"][field.id] is not None and not field.corrects and not self._told(field, page):
                    value = words.answer(field, self.known, self.files)
                    holder = self.service.data[field.of[0]].holder if field.of and field in settled else {}
                    yield AnswerView(field.id, field.called, value, holder, field.id in self.body["disputed"])

    def _holder(self, fact: Known) -> Text:
        """Return whose record a fact is from; nothing once the person wrote another value."""
        source = source_behind(self.service, fact.source)
        disputed = fact.correct if fact.id in self.body["disputed"] else ""
        return {} if source is None or (disputed and self.known["form"].get(disputed) is not None) else source.holder

    def _told(self, field: Field, page: Page) -> bool:
        """Return whether the facts of *page* tell already what the only possible answer to *field* would."""
        settled = field in procedures.settled_fields(page, self.known)
        return settled and any(fact.source == field.binds for fact in page.facts)

    def _pages(self) -> Iterator[PageView]:
        ids, closed = [page.id for page in self.pages], self.closed
        for number, page in enumerate(self.pages):
            hidden = page.id in closed
            missing = [] if hidden else procedures.missing_answers(page, self.known)
            following = ids[number + 1] if number + 1 < len(ids) else ""
            yield PageView(
                id=page.id,
                title=page.title,
                number=number + 1,
                of=len(ids),
                questions=() if hidden else tuple(map(self._question, procedures.visible_fields(page, self.known))),
                facts=() if hidden else tuple(self._facts(page)),
                missing=tuple(self._missing(page, hidden=hidden)),
                done=page.id in self.body["done"] and not missing and not hidden,
                previous=ids[number - 1] if number else "",
                next=page.id if missing else following,
            )

    def _question(self, field: Field) -> Question:
        value = self.known["form"][field.id]
        given = value if value is not None else procedures.default(field, self.known)
        listed = tuple(Choice(one.value, one.label) for one in procedures.choices(field, self.known))
        return Question(
            name=field.id,
            type=field.kind,
            label=field.label,
            hint=field.hint,
            required=procedures.is_required(field, self.known),
            value=given,
            shown=words.answer(field, self.known, self.files),
            choices=listed,
            answered=value is not None,
            prefilled="default" if value is None and given not in (None, "") and self._from_registers(field) else "",
            options=self._options(field),
        )

    def _from_registers(self, field: Field) -> bool:
        binds = {one.binds for one in self.service.fields.values() if one.binds}
        return bool(procedures.names_of(field.default) & (set(self.service.data) | binds))

    def _options(self, field: Field) -> Mapping[str, Any]:
        """Return what else a page may show: the law in plain words, limits of files and dates, hints of choices."""
        hints = {one.value: one.hint for one in procedures.choices(field, self.known) if one.hint}
        return {
            "explain": field.explain,
            "explained": field.explained,
            "law": procedures.law_text(self.service.law[field.law]) if field.law else {},
            "files": field.files,
            "max_mb": field.max_mb,
            "hints": hints,
        }

    def _facts(self, page: Page) -> Iterator[Fact]:
        """Yield what is known already, also of the pages before *page* that have nothing to ask."""
        for one in (*self._skipped_before(page), page):
            for fact in procedures.visible_facts(one, self.known):
                value, data = words.fact(fact, self.known), self.known["fact"][fact.id]
                source = source_behind(self.service, fact.source)
                yield from self._fact(fact.id, fact.label, value, source, data, correctable=bool(fact.correct))
            for field in procedures.settled_fields(one, self.known):
                if field.of and not self._told(field, one):
                    value, data = words.answer(field, self.known, self.files), self.known["form"][field.id]
                    yield from self._fact(field.id, field.called, value, self.service.data[field.of[0]], data)

    def _skipped_before(self, page: Page) -> list[Page]:
        skipped: list[Page] = []
        for one in self.service.pages[: self.service.pages.index(page)]:
            skipped = [] if one in self.pages else [*skipped, one]
        return skipped

    def _fact(
        self, name: str, label: Text, value: Text, source: Source | None, data: object, *, correctable: bool = False
    ) -> Iterator[Fact]:
        found = self._found(source.id) if source else None
        if source is None or found is None:
            return
        yield Fact(
            name=name,
            label=label,
            value=value,
            source=source.holder,
            register=source.register,
            record=found["note"]["record"],
            moment=datetime.fromisoformat(found["note"]["moment"]),
            data=data,
            disputed=name in self.body["disputed"],
            correctable=correctable,
        )

    def _found(self, source: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.body["found"].get(source)
        return found

    def _sources_of(self, page: Page) -> set[str]:
        behind = (source_behind(self.service, fact.source) for fact in page.facts)
        return {source.id for source in behind if source} | {of for one in page.fields for of in one.of}

    def _named(self, source: Source) -> bool:
        """Return whether *source* is asked for a person whose number was typed: nobody learns whether there is one."""
        typed = {("form", field.id) for field in self.service.fields.values() if field.kind == "person_number"}
        return any(not typed.isdisjoint(procedures.paths_of(value)) for value in source.by.values())

    def _missing(self, page: Page | None = None, *, hidden: bool = False) -> Iterator[MissingFact]:
        """Yield what a register did not answer, and what it does not hold though the form cannot do without.

        Nobody goes on before every register answered, so every page says which did not. A *hidden* page says nothing
        else, and nothing at all to a person who is known to have no right to this service.
        """
        wanted = self._sources_of(page) if page else set(self.service.data)
        if hidden and self.barred():
            return
        for key, source in self.service.data.items():
            found = self._found(key)
            silent = key in self.body["failed"]
            empty = found is not None and not found["records"] and source.fallback == "stop"
            told = key in self.in_the_way and self._named(source)
            if silent or (empty and key in wanted and not hidden and not told):
                yield MissingFact(
                    name=key,
                    label=source.label,
                    source=source.holder,
                    register=source.register,
                    why="silent" if silent else "empty",
                    fallback="stop" if silent else source.fallback,
                    text=words.in_all(SILENT) if silent else source.missing,
                    retry=True,
                )


def kept_until(draft: Draft) -> date:
    """Return the last day a draft is kept."""
    return nation.current().calendar.due(draft.saved_at, KEPT).date()


def today() -> str:
    """Return the nation's present day."""
    return nation.current().calendar.local(clock.now()).date().isoformat()
