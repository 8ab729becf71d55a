"""Every expression of a service, where it stands, and the names that may stand in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from onedoor.kernel.nation import Document, Fault, nearest
from onedoor.kernel.said import first_of, said
from onedoor.procedures import expressions
from onedoor.procedures.definition import Service, Step
from onedoor.procedures.expressions import KNOWN_FUNCTIONS, BadExpression
from onedoor.procedures.questions import Field

Keys = tuple[str | int, ...]
Names = Mapping[str, frozenset[str] | None]
"""Names that are known, each with its fields; None for a value whose fields are its own."""

SESSION = frozenset({"number", "name", "level"})
CASE = frozenset({"code", "submitted"})
ISSUED = frozenset({"serial", "year", "date", "at", "agency", "officer"})
ISSUE: Names = {"issue": ISSUED}


@dataclass(frozen=True)
class Scoped:
    """An expression, where it stands, and what it may name."""

    keys: Keys
    expression: str
    names: Names

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """Return the names it reads, each with the fields that follow it; none when it does not parse."""
        try:
            return expressions.paths_of(self.expression)
        except BadExpression:
            return frozenset()

    def faults(self, document: Document) -> Iterator[Fault]:
        """Yield what is wrong with the expression."""
        try:
            paths = sorted(expressions.paths_of(self.expression))
        except BadExpression as error:
            hint = said("write CEL: && for and, || for or, ! for not, == to compare")
            yield document.fault(self.keys, first_of(error), hint)
            return
        for function in sorted(expressions.functions_of(self.expression) - KNOWN_FUNCTIONS):
            wrong = said("there is no function “{function}”", function=function)
            yield document.fault(self.keys, wrong, nearest(function, sorted(KNOWN_FUNCTIONS)))
        for root, *rest in paths:
            if root not in self.names:
                wrong = said("nothing is called “{root}” here", root=root)
                yield document.fault(self.keys, wrong, nearest(root, sorted(self.names)))
            elif rest and (fields := self.names[root]) is not None and rest[0] not in fields:
                wrong = said("“{root}” has no field “{value}”", root=root, value=rest[0])
                yield document.fault(self.keys, wrong, nearest(rest[0], sorted(fields)))


class Scopes:
    """The expressions of one service; *registers* gives the fields of each register."""

    def __init__(self, service: Service, registers: Mapping[str, frozenset[str]]) -> None:
        self.service, self.registers = service, registers
        self.form: Names = {
            "session": SESSION,
            "today": None,
            "case": CASE,
            "disputed": None,
            "form": frozenset(service.fields),
            "fact": frozenset(service.facts),
            **{key: self._fields(source.register) for key, source in service.data.items()},
            **{field.binds: self._bound(field) for field in service.fields.values() if field.binds},
        }

    def _fields(self, register: str) -> frozenset[str] | None:
        return self.registers.get(register)

    def _bound(self, field: Field) -> frozenset[str] | None:
        sources = [self.service.data[name] for name in field.of if name in self.service.data]
        known = [self._fields(source.register) for source in sources]
        return frozenset.intersection(*[fields for fields in known if fields]) if all(known) and known else None

    def all(self) -> Iterator[Scoped]:
        """Yield every expression of the service."""
        yield from self._data()
        yield from self._form()
        for rule in self.service.eligible:
            yield Scoped(("eligible", rule.id, "if"), rule.condition, self.form)
            yield Scoped(("eligible", rule.id, "when"), rule.when, self.form)
        for step in self.service.steps.values():
            yield from self._step(step)
        for result in self.service.results.values():
            yield Scoped(("results", result.id, "when"), result.when, self.form)

    def _data(self) -> Iterator[Scoped]:
        for source in self.service.data.values():
            yield Scoped(("data", source.id, "when"), source.when, self.form)
            for key, value in source.by.items():
                yield Scoped(("data", source.id, "by", key), value, self.form)

    def _form(self) -> Iterator[Scoped]:
        for page in self.service.pages:
            yield Scoped(("form", page.id, "show"), page.show, self.form)
            for field in page.fields:
                for scoped in self._field(field):
                    yield replace(scoped, keys=("form", page.id, "fields", field.id, *scoped.keys))
            for fact in page.facts:
                for key in ("value", "show"):
                    yield Scoped(("form", page.id, "facts", fact.id, key), getattr(fact, key), self.form)

    def _field(self, field: Field) -> Iterator[Scoped]:
        item: Names = {**self.form, "item": self._bound(field) if field.kind == "record" else None}
        for key in ("show", "required", "default", "values"):
            yield Scoped((key,), getattr(field, key), self.form)
        yield Scoped(("where",), field.where, item)
        if field.option:
            yield Scoped(("option",), field.option, item)
        if field.max:
            yield Scoped(("max",), field.max, self.form)

    def _step(self, step: Step) -> Iterator[Scoped]:
        base: Keys = ("steps", step.id)
        names: dict[str, frozenset[str] | None] = dict(self.form)
        for other in (other for other in self.service.steps.values() if other.id in self.service.before(step.id)):
            names |= {write.name: self._fields(write.register) for write in other.writes}
        for key in ("at", "when"):
            yield Scoped((*base, key), getattr(step, key), self.form)
        for write in step.writes:
            for keys, expression in _leaves(write.values):
                yield Scoped((*base, "writes", write.name, "values", *keys), expression, {**names, **ISSUE})
            names[write.name] = self._fields(write.register)
        if step.issues in self.service.results:
            for keys, expression in _leaves(self.service.results[step.issues].data):
                yield Scoped(("results", step.issues, "data", *keys), expression, {**names, **ISSUE})


def _leaves(template: Any, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401 - nested maps and lists
    if isinstance(template, Mapping):
        for key, value in template.items():
            yield from _leaves(value, (*keys, key))
    elif isinstance(template, list):
        for number, value in enumerate(template):
            yield from _leaves(value, (*keys, number))
    else:
        yield keys, str(template)
