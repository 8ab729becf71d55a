"""Examples of a service file: a person's way through form and case, played and compared with what is expected."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from onedoor.kernel.nation import Nation
from onedoor.kernel.said import Said, said
from onedoor.procedures import limits, reading, rules
from onedoor.procedures.answers import AnswerFault
from onedoor.procedures.definition import Service, Step
from onedoor.procedures.expressions import Context, ExpressionFailed, Value
from onedoor.procedures.rules import Found, Inputs, Query
from onedoor.procedures.world import world_of

Example = Mapping[str, Any]


NOTHING = said("nothing")
"""What comes out where nothing does."""


def played(nation: Nation) -> Iterator[tuple[str, str, list[Said]]]:
    """Play every example of *nation*; yield the service's id, what the example says, and what comes out otherwise."""
    for document in nation.documents("service"):
        for service in map(reading.read, reading.versions(document.data)):
            for example in service.examples:
                yield service.id, example["say"], differences(service, example, nation)


def differences(service: Service, example: Example, nation: Nation) -> list[Said]:
    """Return a sentence for each expectation of *example* that is not met."""
    run = _Run(service, example, nation)
    return [
        said("{key}: expected {wanted}, but it is {found}", key=key, wanted=_written(wanted), found=_written(found))
        for name, expected in example["expect"].items()
        for key, wanted, found in _unmet(name, expected, run.outcome(name))
    ]


def issued(service: Service, example: Example, nation: Nation) -> list[tuple[str, str, Mapping[str, Value]]]:
    """Return the results of *example* by id, the agency that issues each, and its data; none where it issues none."""
    run = _Run(service, example, nation)
    if "issue" not in example or run._missing() or run._barred():
        return []
    documents, owners = run._documents(), run._owners()
    steps = [step for step in rules.steps_of(service, run.form) if step.issues]
    return [(step.issues, owners[step.id], documents[step.issues]) for step in steps]


def _unmet(key: str, wanted: Value, found: Value) -> Iterator[tuple[str, Value, Value]]:
    """Yield what came out otherwise, with its key, and of maps only what is expected there."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, one in wanted.items():
            yield from _unmet(f"{key}.{name}", one, found.get(name, NOTHING))
    elif wanted != found:
        yield key, wanted, found


def _written(value: Value) -> str:
    """Return *value* as a file of a service may say it."""
    return value if isinstance(value, Said) else json.dumps(value, ensure_ascii=False, default=str)


def outages(service: Service, example: Example, nation: Nation) -> list[str]:
    """Return a sentence for each register whose silence alone breaks the form that *example* fills in."""
    registers = sorted({source.register for source in service.data.values()})
    return [fault for register in registers if (fault := _outage(service, example, nation, register))]


def _outage(service: Service, example: Example, nation: Nation, silent: str) -> str:
    try:
        run = _Run(service, example, nation, silent)
        for page in rules.visible_pages(service, run.form):
            rules.visible_facts(page, run.form)
            rules.missing_answers(page, run.form, run.world)
        for page_id in [page.id for page in service.pages]:
            rules.ineligible(service, run.form, page_id)
    except ExpressionFailed as failed:
        return f"{silent} does not answer: {failed}"
    return ""


class _Run:
    """One example, played as the form and the agencies would; the register *silent* does not answer."""

    def __init__(self, service: Service, example: Example, nation: Nation, silent: str = "") -> None:
        self.service, self.example, self.nation, self.silent = service, example, nation, silent
        self.world = world_of(nation, date.fromisoformat(example["today"]))
        self.queries: list[Query] = []
        self._refused: dict[str, str] = {}
        self.form = self._fill_in()

    def outcome(self, key: str) -> Value:
        """Return what came out under an expectation's key, one of `schema.EXPECTED`."""
        found = getattr(self, f"_{key}", NOTHING)
        return found() if callable(found) else found

    def _fill_in(self) -> Context:
        """Answer page by page, looking up what becomes known, and return what expressions know at the end."""
        person = {"number": self.example.get("person", ""), "name": "", "level": 2}
        inputs = Inputs(self.example["today"], person, disputed=frozenset(self.example.get("disputed", ())))
        for name, raw in {None: None, **self.example.get("answers", {})}.items():
            inputs = self._settled(inputs)
            if name is not None:
                inputs = self._answer(inputs, name, raw)
        return rules.context(self.service, self._settled(inputs), self.world)

    def _settled(self, inputs: Inputs) -> Inputs:
        found = rules.settle(self.service, inputs, self.world, self._ask)
        return Inputs(**{**inputs.__dict__, "found": found})

    def _answer(self, inputs: Inputs, name: str, raw: Value) -> Inputs:
        known = rules.context(self.service, inputs, self.world)
        try:
            value = rules.validate_answer(self.service.fields[name], raw, known, self.world)
        except AnswerFault as fault:
            self._refused[name] = fault.own.get("en") or fault.text()
            return inputs
        return Inputs(**{**inputs.__dict__, "answers": {**inputs.answers, name: value}})

    def _ask(self, queries: Sequence[Query]) -> dict[str, Found]:
        self.queries += queries
        heard = [query for query in queries if query.source.register != self.silent]
        return {query.source.id: Found(query.by, list(self._find(query))) for query in heard}

    def _find(self, query: Query) -> Iterator[Mapping[str, Any]]:
        register = next(
            one.data for one in self.nation.documents("register") if one.data["register"] == query.source.register
        )
        way = next(way for way in register["lookups"].values() if set(way) == set(query.by))
        for record in self.example.get("registers", {}).get(query.source.register, ()):
            if all(
                any(query.by[key] in _at(record, path.split(".")) for path in way[key]["paths"]) for key in query.by
            ):
                yield record

    def _pages(self) -> list[str]:
        return [page.id for page in rules.visible_pages(self.service, self.form)]

    def _asked(self) -> list[str]:
        pages = rules.visible_pages(self.service, self.form)
        return [asked.id for page in pages for asked in rules.visible_fields(page, self.form)]

    def _missing(self) -> list[str]:
        pages = rules.visible_pages(self.service, self.form)
        return [asked.id for page in pages for asked in rules.missing_answers(page, self.form, self.world)]

    def _barred(self) -> list[str]:
        return [rule.id for rule in rules.ineligible(self.service, self.form)]

    def _looked_up(self) -> list[str]:
        return [query.source.id for query in self.queries]

    def _facts(self) -> Mapping[str, Value]:
        facts: Mapping[str, Value] = self.form["fact"]
        return facts

    def _owners(self) -> Mapping[str, str]:
        return {step.id: rules.agency_of(step, self.form) for step in rules.steps_of(self.service, self.form)}

    @cached_property
    def _started(self) -> datetime:
        submitted = datetime.fromisoformat(self.example["submitted"])
        local = submitted if submitted.tzinfo else submitted.replace(tzinfo=self.nation.zone)
        return limits.start(self.service, local, self.nation.calendar)

    def _counted_from(self) -> str:
        return _minute(self._started)

    def _due(self) -> Mapping[str, str]:
        """Return when each step is due if each before it takes all its time, and the whole."""
        due: dict[str, datetime] = {}
        for step in rules.steps_of(self.service, self.form):
            since = max((due[other] for other in step.after if other in due), default=self._started)
            due[step.id] = limits.step_due(self.service, step, since, self.nation.calendar)
        whole = limits.whole_due(self.service, self._started, self.nation.calendar)
        return {**{key: _minute(moment) for key, moment in due.items()}, "whole": _minute(whole)}

    @cached_property
    def _case(self) -> tuple[Mapping[str, Value], Mapping[str, Value]]:
        """Return the records that the steps write and the data of the documents they issue."""
        known = self.form.but(issue=self.example.get("issue", {}))
        written: dict[str, Value] = {}
        documents: dict[str, Value] = {}
        for step in rules.steps_of(self.service, self.form):
            known, records = self._work(step, known)
            written |= records
            if step.issues:
                documents[step.issues] = rules.document(self.service.results[step.issues], known)
        return written, documents

    def _work(self, step: Step, known: Context) -> tuple[Context, Mapping[str, Value]]:
        records = {}
        for write in step.writes:
            given = self.example.get("assigned", {}).get(write.name, {})
            records[write.name] = {**rules.values_of(write, known), **given}
            known = known.but(**{write.name: records[write.name]})
        return known, records

    def _written(self) -> Mapping[str, Value]:
        return self._case[0]

    def _documents(self) -> Mapping[str, Value]:
        return self._case[1]

    def _results(self) -> list[str]:
        return [result.id for result in rules.results_of(self.service, self.form)]


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _at(value: Value, path: Sequence[str]) -> list[Value]:
    """Return the values at a path such as ``members.*.number``."""
    if not path:
        return [value]
    if path[0] == "*":
        return [found for item in value for found in _at(item, path[1:])]
    return _at(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []
