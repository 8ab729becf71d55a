"""Which values the names in a service's expressions can have, where they are few and known."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any

from onedoor.kernel.nation import Document, Fault, Nation, nearest
from onedoor.kernel.nation.layers import current
from onedoor.kernel.said import said
from onedoor.procedures import expressions
from onedoor.procedures.definition import Service
from onedoor.procedures.expressions import FUNCTIONS, BadExpression, Context, ExpressionFailed
from onedoor.procedures.questions import Field
from onedoor.procedures.scopes import Scoped

Path = tuple[str, ...]
MOST = 4096
"""Combinations of answers that are gone through to see whether a condition can hold."""
_PATH, _TEXT = r"(?<![\w.])([A-Za-z_]\w*\.[A-Za-z_]\w*)", r"'([^'\\]*)'"
_COMPARED = re.compile(rf"{_PATH}\s*[=!]=\s*{_TEXT}|{_TEXT}\s*[=!]=\s*{_PATH}(?!\w|\.|\s*\()")


class Values:
    """What is known of the values of one *service*'s names."""

    def __init__(self, service: Service, nation: Nation) -> None:
        self._service, self._nation = service, nation

    @cached_property
    def codes(self) -> Mapping[Path, frozenset[str]]:
        """Return by name the codes that its value is one of: of a choice, a list, a register's field."""
        found: dict[Path, frozenset[str]] = {}
        for field in self._service.fields.values():
            if codes := self._of(field):
                found["form", field.id] = codes
        for fact in self._service.facts.values():
            if fact.kind == "code" and fact.list in self._lists:
                found["fact", fact.id] = self._lists[fact.list]
        for name, register in self._registers():
            found |= {(name, field): codes for field, codes in self.registers.get(register, {}).items()}
        return found

    @property
    def registers(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """Return for each register the codes of each field that has some."""
        return self._nation.once(_of_registers)

    def foreign(self, scoped: Scoped, document: Document) -> Iterator[Fault]:
        """Yield a fault for each text that a name is compared with and can never be."""
        for found in _COMPARED.finditer(scoped.expression):
            path, text = (found[1], found[2]) if found[1] else (found[4], found[3])
            codes = self.codes.get(tuple(path.split(".")))
            if codes and text and text not in codes:
                wrong = said("“{name}” is never “{value}”", name=path, value=text)
                yield document.fault(scoped.keys, wrong, nearest(text, sorted(codes)))

    def never(self, condition: str) -> bool:
        """Return whether *condition* can hold for no answers, such as ``false``, or ``form.a && !form.a``.

        One that leans on something with more than a few values may always hold.
        """
        try:
            names = sorted(expressions.paths_of(condition))
            if not (expressions.functions_of(condition) <= FUNCTIONS.keys() and self._few.keys() >= set(names)):
                return False
            return not any(_may_hold(condition, names, values) for values in self._combined(names))
        except BadExpression:
            return False

    def _combined(self, names: list[Path]) -> Iterator[tuple[Any, ...]]:
        counts = [self._few[name] for name in names]
        size = 1
        for values in counts:
            size *= len(values)
        return product(*counts) if size <= MOST else iter([()])

    @cached_property
    def _few(self) -> Mapping[Path, tuple[Any, ...]]:
        """Return the answers of questions that have few, none given among them."""
        found: dict[Path, tuple[Any, ...]] = {}
        for field in self._service.fields.values():
            if field.kind in ("yesno", "consent"):
                found["form", field.id] = (True, False, None)
            elif codes := self._of(field):
                found["form", field.id] = (*sorted(codes), None)
        return found

    def _of(self, field: Field) -> frozenset[str]:
        if field.kind == "choice":
            return frozenset(option.value for option in field.options)
        return self._lists.get(field.list, frozenset()) if field.kind == "code" else frozenset()

    @property
    def _lists(self) -> Mapping[str, frozenset[str]]:
        return self._nation.once(_of_lists)

    def _registers(self) -> Iterator[tuple[str, str]]:
        """Yield each name that stands for a record, with its register."""
        for source in self._service.data.values():
            yield source.id, source.register
        for field in self._service.fields.values():
            sources = {self._service.data[one].register for one in field.of if one in self._service.data}
            if field.binds and len(sources) == 1:
                yield field.binds, sources.pop()


def _of_lists(nation: Nation) -> dict[str, frozenset[str]]:
    """Return the codes of each list."""
    return {one.data["list"]: frozenset(one.data["items"]) for one in nation.documents("list")}


def _of_registers(nation: Nation) -> dict[str, dict[str, frozenset[str]]]:
    """Return for each register the codes of each field that has some, today."""
    lists, found = nation.once(_of_lists), dict[str, dict[str, frozenset[str]]]()
    for one in nation.documents("register"):
        fields = current(one.data, nation.today())["fields"]
        named = {name: lists.get(field["schema"].get("codes", "")) for name, field in fields.items()}
        found[one.data["register"]] = {name: codes for name, codes in named.items() if codes}
    return found


def _may_hold(condition: str, names: list[Path], values: tuple[Any, ...]) -> bool:
    """Return whether *condition* is true of these *values*, or could not be worked out though all are given."""
    if len(values) != len(names):
        return True
    known: dict[str, dict[str, Any]] = {}
    for (root, field), value in zip(names, values, strict=True):
        known.setdefault(root, {})[field] = value
    try:
        return expressions.holds(condition, Context(known))
    except ExpressionFailed:
        return None not in values
