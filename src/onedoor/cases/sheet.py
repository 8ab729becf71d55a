"""A task opened for its officer: what was declared and by which source, checks, registers to look into, ways out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from onedoor.cases import directory, held, register_words, rules, words
from onedoor.cases.context import received, source_behind
from onedoor.cases.errors import NoSuchTask
from onedoor.cases.models import Act, IssuedResult, Task
from onedoor.cases.opened import Opened
from onedoor.cases.verification import view_of
from onedoor.cases.views import (
    Answers,
    AnswerView,
    ArticleView,
    CheckView,
    FileView,
    HistoryView,
    LookView,
    Refusal,
    Request,
    ResultView,
    TaskLine,
    TaskView,
)
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.text import Text
from onedoor.privacy.service import Held, Reader
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Condition, Context, ExpressionFailed, Fact, Service, Source, Step, pinned

Payload: TypeAlias = tuple[Mapping[str, Any], Context, Answers, tuple[CheckView, ...]]
OPENED: Opened[Payload] = Opened()


def line_of(row: Task, actor: Actor, names: tuple[str, str] = ("", "")) -> TaskLine:
    """Return a task as it stands in an inbox; *names* (whom it is about, who applied) only once it is on record."""
    service = pinned(row.service, row.version, row.digest)
    about, applicant = names
    now = row.decided_at or row.stopped_at or clock.now()
    return TaskLine(
        id=str(row.pk),
        case=row.case,
        step=row.step,
        step_title=service.steps[row.step].title,
        service_title=service.title,
        about=about,
        applicant=applicant,
        state=row.state,
        received_at=row.received_at,
        due=row.due,
        late=now > row.due,
        minutes_left=rules.early_minutes(nation.current().calendar, now, row.due) if row.state == rules.NEW else 0,
        taken_by="" if not row.taken_by else "me" if row.taken_by == actor.person else "other",
    )


def ways_out(row: Task, step: Step) -> frozenset[str]:
    """Return what an officer may do with a task but accept it; a verification is taken once, by whichever authority."""
    if not step.verified:
        return frozenset(step.may)
    taken = any(one["kind"] == "verify" for one in row.read("work").get("outcomes", ()))
    return rules.ways_out(step.may, step.verified, verified=taken or bool(row.read("payload").get("verified")))


def _of(rule: Condition) -> str:
    """Return all that decides a *rule*, as one expression."""
    return f"({rule.when}) && ({rule.condition})"


class Sheet:
    """One task with its service and what came with it, unsealed."""

    def __init__(self, row: Task) -> None:
        self.row = row
        self.service: Service = pinned(row.service, row.version, row.digest)
        self.step = self.service.steps[row.step]
        self.payload, self.known, self.answers, self.checks = OPENED.of(bytes(row.payload), self._open)
        self.work = row.read("work")

    def _open(self) -> Payload:
        self.payload = self.row.read("payload")
        self.known = received(self.service, self.payload)
        return self.payload, self.known, Answers(self._answers()), tuple(self._checks())

    def read(self, post: str, parts: Sequence[str] | None = None) -> Held:
        """Return that the officer at *post* reads *parts* of it, all that the page shows when None."""
        return held.at_desk(self.row, self.service, self.payload, post, self._seen() if parts is None else parts)

    def _seen(self) -> list[str]:
        """Return the parts that the page shows."""
        answers = [answer.name for answer in self.answers]
        sent = [held.SENT] if self.payload.get("supplements") else []
        results = [held.RESULTS] if self.payload["results"] else []
        checked = {one.id for one in self.checks}
        leans = {
            part
            for rule in self.service.eligible
            if rule.id in checked
            for part in procedures.leans(self.service, self.step, _of(rule))
        }
        answers += sorted(leans.difference(answers))
        return [*answers, held.APPLICANT, *([held.ABOUT] if self.payload["about"] else []), *sent, *results]

    def view(self, actor: Actor, acts: list[Act], issued: Sequence[IssuedResult]) -> TaskView:
        """Return all an officer needs to decide, with the task's *acts*, the oldest first, and what it *issued*."""
        row = self.row
        return TaskView(
            line=line_of(row, actor, row.names()),
            agency=row.agency,
            agency_name=directory.agency_name(row.agency),
            service=row.service,
            version=row.version,
            answers=self.answers,
            checks=self.checks,
            looks=tuple(self._looks()),
            results=tuple(self._result(result) for result in self.payload["results"]),
            articles=tuple(self._articles()),
            authorities=directory.same_kind(row.agency),
            may=rules.task_may(
                row.state, ways_out(row, self.step), asked=row.asked, times=self.service.supplement.times
            ),
            verified=self.step.verified,
            history=tuple(self._history(act) for act in acts),
            request=self._request(acts),
            refusal=self._refusal(acts),
            issues=self.service.results[self.step.issues].title if self.step.issues else {},
            trouble=words.kept(row.trouble),
            issued=view_of(issued[0]) if issued else None,
            supplements=tuple(self._supplements()),
            files=tuple(self._files()),
        )

    def _answers(self) -> Iterator[AnswerView]:
        """Yield what the step's officer is shown: answers of the person, facts of registers with their source."""
        files = {field: file["name"] for field, file in self.payload["files"].items()}
        for name in self.step.shows:
            if name in self.service.facts:
                fact = self.service.facts[name]
                if self.known["fact"].get(name) is not None:
                    value = words.fact(fact, self.known)
                    yield AnswerView(name, fact.label, value, self._holder(fact), name in self.known["disputed"])
            elif self.known["form"].get(name) is not None:
                field = self.service.fields[name]
                yield AnswerView(name, field.called, self._said(name, files), {}, name in self.known["disputed"])

    def _holder(self, fact: Fact) -> Text:
        """Return whose record a fact is from; nothing once the person wrote another value."""
        source = source_behind(self.service, fact.source)
        corrected = fact.correct and fact.id in self.known["disputed"]
        return source.holder if source and not corrected else {}

    def _said(self, name: str, files: Mapping[str, str]) -> Mapping[str, str]:
        """Return an answer in words: as the person saw it when the choice came along, else as it is."""
        field = self.service.fields[name]
        try:
            return words.answer(field, self.known, files)
        except ExpressionFailed:
            return words.say(field.kind, self.known["form"][name], field.list)

    def _checks(self) -> Iterator[CheckView]:
        """Yield each condition of the service that what came is enough to check again; good ones with their words."""
        for rule in self.service.eligible:
            if not procedures.enough(self.service, self.step, _of(rule)):
                continue
            try:
                if procedures.evaluate(rule.when, self.known) is not True:
                    continue
                good = procedures.evaluate(rule.condition, self.known) is True
            except ExpressionFailed:
                continue
            text = rule.good if good else rule.otherwise
            if text:
                law = procedures.law_text(self.service.law[rule.law])
                yield CheckView(rule.id, text, law, "good" if good else "bad")

    def _own_sources(self) -> Iterator[Source]:
        """Yield the sources whose register this system holds and whose question what came can answer."""
        home = nation.current().agencies[self.row.agency].subsystem
        for source in self.service.data.values():
            if directory.holder(source.register) == home and self._by(source):
                yield source

    def _by(self, source: Source) -> dict[str, str]:
        try:
            by = {key: procedures.evaluate(value, self.known) for key, value in source.by.items()}
        except ExpressionFailed:
            return {}
        return {key: str(value) for key, value in by.items()} if all(by.values()) else {}

    def _looks(self) -> Iterator[LookView]:
        if self.row.state in rules.LOOKED_INTO:
            for source in self._own_sources():
                yield LookView(source.id, source.called, source.register)

    def look(self, look_id: str, user: str) -> LookView:
        """Look into a register of this system through the gate; what it refuses is said."""
        from onedoor.registers import service as registers  # the portal holds none and does not install the room

        source = next((one for one in self._own_sources() if one.id == look_id), None)
        if source is None:
            raise NoSuchTask
        why = held.reason_of(self.service, self.row)
        client = nation.current().agencies[self.row.agency].subsystem
        reader = Reader(client, user, why.purpose, why.basis, why.case)
        try:
            found = registers.lookup(source.register, self._by(source), reader=reader)
        except OnedoorError as error:
            return LookView(source.id, source.called, source.register, (), "", words.kept(words.keep(error)))
        told = register_words.told(source.register, found.records)
        return LookView(source.id, source.called, source.register, told, found.record)

    def _result(self, result: Mapping[str, Any]) -> ResultView:
        return ResultView(
            kind=result["kind"],
            title=self.service.results[result["kind"]].title,
            agency=result["agency"],
            agency_name=directory.agency_name(result["agency"]),
            number=str(result["number"]),
            issued_at=datetime.fromisoformat(result["issued_at"]),
            sha256=result["sha256"],
            verify_url=result["verify_url"],
            size=result["size"],
            filename="",
        )

    def _articles(self) -> Iterator[ArticleView]:
        for one in self.step.refuse:
            text, law = words.ground(self.service, self.step.id, one.id)
            yield ArticleView(one.id, text, law)

    def _history(self, act: Act) -> HistoryView:
        name = directory.agency_name(self.row.agency)
        return HistoryView(act.moment, act.kind, self.row.step, self.step.title, name, act.words(), act.entry)

    def _request(self, acts: list[Act]) -> Request | None:
        asked = next((act for act in reversed(acts) if act.kind == "supplement"), None)
        name = directory.agency_name(self.row.agency)
        return Request(self.row.step, asked.words(), name, asked.moment, None) if asked else None

    def _refusal(self, acts: list[Act]) -> Refusal | None:
        refused = next((act for act in reversed(acts) if act.kind == "refuse"), None)
        if refused is None:
            return None
        outcome = next(one for one in self.work["outcomes"] if one["kind"] == "refuse")
        text, law = words.ground(self.service, self.step.id, outcome["ground"])
        name = directory.agency_name(self.row.agency)
        return Refusal(self.row.step, text, law, refused.words(), name, refused.moment, self.service.appeal)

    def files(self) -> dict[str, Mapping[str, Any]]:
        """Return what is known of the files that came with the step and with supplements, by field."""
        came: dict[str, Mapping[str, Any]] = dict(self.payload["files"])
        for one in self.payload.get("supplements", []):
            came |= one["files"]
        return came

    def _files(self) -> Iterator[FileView]:
        for field, file in self.files().items():
            asked = self.service.fields.get(field)
            label = asked.label if asked else words.in_all(held.CALLED[held.SENT])
            yield FileView(field, label, file["name"], file["size"])

    def _supplements(self) -> Iterator[HistoryView]:
        for one in self.payload.get("supplements", []):
            moment = datetime.fromisoformat(one["at"])
            yield HistoryView(moment, "answer", self.row.step, self.step.title, {}, one["text"], "")
