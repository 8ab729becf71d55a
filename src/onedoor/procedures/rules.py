"""What a service's definition decides: facts to ask for, the form, who may file, the steps; no I/O, no clock."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from onedoor.kernel.nation import Shape
from onedoor.kernel.text import Text
from onedoor.procedures import answers
from onedoor.procedures.definition import Condition, Result, Service, Source, Step, Write
from onedoor.procedures.expressions import Context, Functions, Value, chosen, each, evaluate, fill, holds
from onedoor.procedures.questions import Fact, Field, Page
from onedoor.procedures.resting import sources_behind

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What a nation adds to expressions: its functions, and the items of its code lists by code."""

    functions: Functions
    items: Callable[[str], Mapping[str, "Item"]]
    person_number: Shape = field(default_factory=Shape)


@dataclass(frozen=True)
class Item:
    """An entry of a code list: its name, and what expressions see of it as ``item``."""

    name: Text
    facts: Record


@dataclass(frozen=True)
class Query:
    """A source to ask now, with the values of its look-up."""

    source: Source
    by: Mapping[str, str]

    @property
    def same(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """Return what makes two queries one and the same question to a register."""
        return self.source.register, frozenset(self.by.items())


@dataclass(frozen=True)
class Found:
    """What a register answered to a look-up; ``note`` is the asker's own (record of the read, moment …)."""

    by: Mapping[str, str]
    records: Sequence[Record]
    note: Any = None


Ask: TypeAlias = Callable[[Sequence[Query]], Mapping[str, Found]]
"""Ask registers in parallel: the answers by source id, without those that did not answer."""


@dataclass(frozen=True)
class Inputs:
    """All that is known of a case so far; answers are values, not what was typed."""

    today: str
    session: Record
    found: Mapping[str, Found] = field(default_factory=dict)
    answers: Mapping[str, Value] = field(default_factory=dict)
    disputed: frozenset[str] = frozenset()
    case: Record | None = None
    issue: Record | None = None
    written: Mapping[str, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One answer that can be chosen; ``record`` is what it stands for."""

    value: str
    label: Text
    hint: Text = field(default_factory=dict)
    record: Record = field(default_factory=dict)


@dataclass(frozen=True)
class _Given:
    """All a context is made of: the same when it says the same in the same service and world."""

    said: str
    ids: tuple[int, int]
    service: Service = field(compare=False)
    inputs: Inputs = field(compare=False)
    world: World = field(compare=False)


def context(service: Service, inputs: Inputs, world: World) -> Context:
    """Return what expressions of *service* know: every name, null where nothing is known.

    One answer asks for the same context several times, so the last ones are kept with all that was worked out in them.
    """
    plain = {**inputs.__dict__, "disputed": sorted(inputs.disputed)}
    plain["found"] = {key: [dict(found.by), list(found.records)] for key, found in inputs.found.items()}
    said = json.dumps(plain, default=dict)
    return _context(_Given(said, (id(service), id(world)), service, inputs, world))


@lru_cache(maxsize=32)
def _context(given: _Given) -> Context:
    service, inputs, world = given.service, given.inputs, given.world
    asked = frozenset(inputs.found)
    names: dict[str, Value] = dict.fromkeys(names_of(service))
    names |= {"session": dict(inputs.session), "today": inputs.today, "case": inputs.case, "issue": inputs.issue}
    names |= {key: _found(source, inputs.found.get(key)) for key, source in service.data.items()}
    names |= {"form": {key: inputs.answers.get(key) for key in service.fields}, "fact": dict.fromkeys(service.facts)}
    names |= {key: dict(record) for key, record in inputs.written.items()}
    known = Context(names, {**world.functions, "asked": lambda source: source in asked})
    for asked_for in service.fields.values():
        known = _bind(asked_for, known)
    for fact in service.facts.values():
        known = known.but(fact={**known["fact"], fact.id: _value_of(fact, known, inputs.disputed)})
    return known.but(disputed=sorted(inputs.disputed)).settled()


def names_of(service: Service) -> set[str]:
    """Return every name that expressions of *service* may use at all."""
    own = {"session", "today", "case", "issue", "form", "fact", "disputed"}
    binds = {asked.binds for asked in service.fields.values() if asked.binds}
    writes = {write.name for step in service.steps.values() for write in step.writes}
    return own | set(service.data) | binds | writes


def _found(source: Source, found: Found | None) -> Value:
    records = [dict(record) for record in found.records] if found else []
    if source.many:
        return records
    return records[0] if records else None


def _bind(asked: Field, known: Context) -> Context:
    """Return *known* with the only possible answer given, and the chosen record bound to its name."""
    if asked.kind not in {"record", "pick"}:
        return known
    possible = possible_of(asked, known)
    value = known["form"][asked.id]
    if len(possible) == 1 and asked.single == "skip":
        value = next(iter(possible))
    if value not in possible:
        value = None
    known = known.but(form={**known["form"], asked.id: value})
    return known.but(**{asked.binds: possible.get(value)}) if asked.binds else known


def possible_of(asked: Field, known: Context) -> dict[str, Any]:
    """Return what can be chosen for a ``record`` or ``pick`` field, by value."""
    if not known.lasting:
        return _possible(asked, known)
    key = f"possible {asked.id}"
    if key not in known.memo:
        known.memo[key] = _possible(asked, known)
    found: dict[str, Any] = known.memo[key]
    return found


def _possible(asked: Field, known: Context) -> dict[str, Any]:
    if asked.kind == "pick":
        return {str(value): value for value in evaluate(asked.values, known) if value}
    records: dict[str, Any] = {}
    for source in asked.of:
        of_source = known[source]
        found = of_source if isinstance(of_source, list) else [of_source] if of_source else []
        for record in chosen(asked.where, found, known):
            records.setdefault(str(record[asked.key]), record)
    return records


def _value_of(fact: Fact, known: Context, disputed: frozenset[str]) -> Value:
    corrected = known["form"].get(fact.correct) if fact.id in disputed else None
    if corrected is not None:
        return corrected
    return evaluate(fact.value, known) if known[fact.source] is not None else None


def wanted(service: Service, known: Context) -> list[Query]:
    """Return every look-up that has its reason and its values now."""
    closed = withheld(service, known)
    allowed = (source for source in service.data.values() if source.id not in closed)
    return [query for source in allowed if (query := _query(source, known))]


def withheld(service: Service, known: Context) -> frozenset[str]:
    """Return the sources that are not asked as long as a condition does not hold that they must wait for."""
    awaited = {rule for source in service.data.values() for rule in source.once}
    unmet = {rule.id for rule in service.eligible if rule.id in awaited and not _met(rule, known)}
    return frozenset(source.id for source in service.data.values() if unmet & set(source.once))


def _met(rule: Condition, known: Context) -> bool:
    return not holds(rule.when, known) or holds(rule.condition, known)


def _query(source: Source, known: Context) -> Query | None:
    if not holds(source.when, known):
        return None
    by = {key: evaluate(value, known) for key, value in source.by.items()}
    return Query(source, by) if all(by.values()) else None


def settle(service: Service, inputs: Inputs, world: World, ask: "Ask") -> dict[str, Found]:
    """Return what is found once no look-up is left, asking in waves; a source *ask* leaves out is not asked again.

    What was found before stays while its look-up is the same; the same question to a register is asked once.
    """
    found, silent = dict(inputs.found), set[str]()
    for _ in range(2 * len(service.data) + 1):
        now = Inputs(**{**inputs.__dict__, "found": found})
        queries = {query.source.id: query for query in wanted(service, context(service, now, world))}
        kept = {key: old for key, old in found.items() if key in queries and dict(old.by) == dict(queries[key].by)}
        open_queries = [query for key, query in queries.items() if key not in kept and key not in silent]
        if not open_queries and kept == found:
            break
        once = {query.same: query for query in open_queries}
        known = {queries[key].same: old for key, old in kept.items()}
        answered = ask([query for same, query in once.items() if same not in known]) if set(once) - set(known) else {}
        known |= {queries[key].same: new for key, new in answered.items()}
        silent |= {query.source.id for query in open_queries if query.same not in known}
        found = kept | {query.source.id: known[query.same] for query in open_queries if query.same in known}
    return found


def visible_fields(page: Page, known: Context) -> list[Field]:
    """Return the questions of *page* that are asked now."""
    return [asked for asked in page.fields if _is_asked(asked, known)]


def _is_asked(asked: Field, known: Context) -> bool:
    if asked.corrects and asked.corrects not in known["disputed"]:
        return False
    if asked.kind in {"record", "pick"} and asked.single == "skip" and len(possible_of(asked, known)) <= 1:
        return False
    return holds(asked.show, known)


def settled_fields(page: Page, known: Context) -> list[Field]:
    """Return the questions of *page* that have one possible answer: it is shown as known, not asked."""
    return [asked for asked in page.fields if _is_settled(asked, known)]


def _is_settled(asked: Field, known: Context) -> bool:
    once = asked.kind in {"record", "pick"} and asked.single == "skip" and len(possible_of(asked, known)) == 1
    return once and holds(asked.show, known)


def counting(service: Service, known: Context) -> frozenset[str]:
    """Return the questions whose answers count now: those asked, and those that have one possible answer."""
    pages = (page for page in service.pages if holds(page.show, known))
    return frozenset(one.id for page in pages for one in (*visible_fields(page, known), *settled_fields(page, known)))


def visible_pages(service: Service, known: Context) -> list[Page]:
    """Return the pages that ask something now."""
    return [page for page in service.pages if holds(page.show, known) and visible_fields(page, known)]


def visible_facts(page: Page, known: Context) -> list[Fact]:
    """Return the facts of *page* that are known now."""
    return [fact for fact in page.facts if known[fact.source] is not None and holds(fact.show, known)]


def is_required(asked: Field, known: Context) -> bool:
    """Return whether a question must be answered."""
    return holds(asked.required, known)


def default(asked: Field, known: Context) -> Value:
    """Return what a question is filled with before the person answers, or None."""
    return evaluate(asked.default, known)


def choices(asked: Field, known: Context, world: World) -> tuple[Choice, ...]:
    """Return what can be chosen now for a question, in order."""
    if not known.lasting:
        return _choices(asked, known, world)
    key = f"choices {asked.id}"
    if key not in known.memo:
        known.memo[key] = _choices(asked, known, world)
    found: tuple[Choice, ...] = known.memo[key]
    return found


def _choices(asked: Field, known: Context, world: World) -> tuple[Choice, ...]:
    if asked.kind == "code":
        return tuple(_listed(asked, known, world))
    if asked.kind in {"record", "pick"}:
        return tuple(_offered(asked, known))
    return tuple(Choice(option.value, option.label, option.hint) for option in asked.options)


def _listed(asked: Field, known: Context, world: World) -> Iterator[Choice]:
    listed = world.items(asked.list)
    for record in chosen(asked.where, [{**item.facts, "code": code} for code, item in listed.items()], known):
        yield Choice(record["code"], listed[record["code"]].name, record=record)


def _offered(asked: Field, known: Context) -> Iterator[Choice]:
    possible = possible_of(asked, known)
    options = each(asked.option, list(possible.values()), known) if asked.option else possible
    for (value, item), words in zip(possible.items(), options, strict=True):
        yield Choice(value, dict.fromkeys(asked.label, str(words)), record=item if isinstance(item, Mapping) else {})


def said(asked: Field, known: Context) -> str | None:
    """Return the words of the record or value chosen for *asked*, also where the other choices are not known."""
    value = known["form"][asked.id]
    item = known[asked.binds] if asked.binds else value if asked.kind == "pick" else None
    if value is None or item is None:
        return None
    return str(evaluate(asked.option, known.but(item=item)) if asked.option else value)


def validate_answer(asked: Field, raw: answers.Raw, known: Context, world: World) -> Value:
    """Return the value of what was typed, None for nothing where nothing is needed; raise `answers.AnswerFault`."""
    values = [choice.value for choice in choices(asked, known, world)] if asked.kind in answers.CHOSEN else []
    most = str(evaluate(asked.max, known)) if asked.max else ""
    value = answers.read(asked, raw, values, most)
    if value is not None and asked.kind == "person_number":
        answers.check_person_number(asked, value, world.person_number)
    if value is None and is_required(asked, known):
        raise answers.in_own_words(answers.AnswerFault(), asked)
    return value


def missing_answers(page: Page, known: Context, world: World) -> list[Field]:
    """Return the questions of *page* that still need an answer, or whose answer can no longer be chosen."""
    return [asked for asked in visible_fields(page, known) if not _answered(asked, known, world)]


def _answered(asked: Field, known: Context, world: World) -> bool:
    value = known["form"][asked.id]
    if value is None:
        return not is_required(asked, known)
    return asked.kind not in answers.CHOSEN or value in {choice.value for choice in choices(asked, known, world)}


def ineligible(service: Service, known: Context, after: str | None = None) -> list[Condition]:
    """Return the conditions that do not hold, of those checked up to page *after* (all of them without it).

    One that rests on what is still withheld says nothing yet: the condition that withholds it does.
    """
    order = [page.id for page in service.pages]
    reached = order[: order.index(after) + 1] if after else order
    checked = (rule for rule in service.eligible if not rule.after or rule.after in reached)
    failing, closed = [rule for rule in checked if not _met(rule, known)], withheld(service, known)
    return [rule for rule in failing if not closed or sources_behind(service, rule).isdisjoint(closed)]


def steps_of(service: Service, known: Context) -> list[Step]:
    """Return the steps that this case takes, in order."""
    return [step for step in service.steps.values() if holds(step.when, known)]


def results_of(service: Service, known: Context) -> list[Result]:
    """Return the results that this case will have."""
    return [service.results[step.issues] for step in steps_of(service, known) if step.issues]


def agency_of(step: Step, known: Context) -> str:
    """Return the id of the agency that does *step*, such as ``commune-00199``."""
    return f"{step.agency_kind}-{evaluate(step.at, known)}"


def values_of(write: Write, known: Context) -> dict[str, Value]:
    """Return the record that a step writes; writes go in order, each known to the next by its name."""
    values: dict[str, Value] = fill(write.values, known)
    return values


def document(result: Result, known: Context) -> dict[str, Value]:
    """Return the data of a result's template; its number is a text, whatever gives it."""
    data: dict[str, Value] = fill(result.data, known)
    return data | {"number": str(data["number"])}
