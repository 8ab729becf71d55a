"""CEL: parse once, know every name and function, evaluate without surprises.

Dates and moments are ISO strings (CEL cannot convert dates and ISO strings compare rightly); what is not known is null.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import cel

from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.said import said
from onedoor.kernel.text import fold

Value = Any
Functions = Mapping[str, Callable[..., Value]]

BUILTIN = frozenset(
    {"size", "contains", "startsWith", "endsWith", "matches", "has", "exists", "exists_one", "all", "map", "filter"}
    | {"int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn", "type"}
)
MACRO = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
PATH = re.compile(r"(?<![\w.])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)(\s*\()?")
WORDS = frozenset({"true", "false", "null", "in"})


class BadExpression(OnedoorError):
    """“{expression}” is not an expression: {why}."""


class ExpressionFailed(OnedoorError):
    """“{expression}” could not be worked out ({why})."""


def known(value: Value) -> bool:
    """Return whether *value* is there at all."""
    return value is not None


def to_date(moment: str | None) -> str | None:
    """Return the day of an ISO date or moment."""
    return moment[:10] if moment else None


def year(moment: str | None) -> int | None:
    """Return the year of an ISO date or moment."""
    return int(moment[:4]) if moment else None


def age(born: str, today: str) -> int:
    """Return how many whole years lie between two ISO dates."""
    first, last = _day(born), _day(today)
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def days_between(start: str, end: str) -> int:
    """Return the days from *start* to *end*; the day of *start* does not count."""
    return (_day(end) - _day(start)).days


def on_time(start: str, today: str, days: int) -> bool:
    """Return whether *today* lies within *days* days after *start*, and not before it."""
    return 0 <= days_between(start, today) <= days


def add_months(start: str, months: int) -> str:
    """Return the day *months* later, or the last of its month where that day does not exist."""
    first = _day(start)
    years, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + years, month + 1
    return date(year, month, min(first.day, monthrange(year, month)[1])).isoformat()


def date_text(moment: str | None) -> str:
    """Return a date as ``22/11/2026``, and a moment with its time; empty for nothing."""
    if not moment:
        return ""
    return _day(moment).strftime("%d/%m/%Y") + (f" {moment[11:16]}" if len(moment) > len("2026-11-22") else "")


def same_name(one: str | None, other: str | None) -> bool:
    """Return whether two names are the same, with or without their marks and capitals; nothing is no name."""
    return bool(one and other and fold(one) == fold(other))


def _day(moment: str) -> date:
    return date.fromisoformat(moment[:10])


FUNCTIONS: Functions = {
    "known": known,
    "date": to_date,
    "year": year,
    "age": age,
    "days_between": days_between,
    "on_time": on_time,
    "add_months": add_months,
    "date_text": date_text,
    "same_name": same_name,
}
"""What every expression may call; a nation's own (`WORLD`) and ``asked('source')`` come with the context."""
WORLD = frozenset({"unit_name", "province", "agency", "list_text", "residence_text"})
KNOWN_FUNCTIONS = frozenset(FUNCTIONS) | WORLD | {"asked"} | BUILTIN


@dataclass(frozen=True)
class Context:
    """What expressions know: names with their values, and functions."""

    names: Mapping[str, Value]
    functions: Functions = field(default_factory=dict)
    lasting: bool = False
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out for this context already; nothing in a context ever changes."""

    def __getitem__(self, name: str) -> Value:
        return self.names[name]

    def but(self, **names: Value) -> "Context":
        """Return this context with *names* added or replaced."""
        return Context({**self.names, **names}, self.functions)

    def settled(self) -> "Context":
        """Return this context for many expressions: all names are converted once, not each time what is needed."""
        return Context(self.names, self.functions, lasting=True)

    @cached_property
    def whole(self) -> cel.Context:
        """Return the context as CEL wants it."""
        return cel.Context(variables=dict(self.names), functions={**FUNCTIONS, **self.functions})

    def part(self, expression: str) -> dict[str, Value]:
        """Return only what *expression* needs."""
        part = {name: self.names[name] for name in names_of(expression) if name in self.names}
        for name in functions_of(expression):
            function = self.functions.get(name) or FUNCTIONS.get(name)
            if function:
                part[name] = function
        return part


@lru_cache(maxsize=4096)
def program(expression: str) -> cel.Program:
    """Return the parsed *expression*; raise `BadExpression`."""
    try:
        return cel.compile(expression)
    except ValueError as error:
        lines = str(error).splitlines()
        raise BadExpression(expression=expression, why=lines[0].rpartition("<input>:")[2]) from None


def evaluate(expression: str, context: Context) -> Value:
    """Return what *expression* is in *context*; raise `BadExpression` or `ExpressionFailed`."""
    if not context.lasting:
        return _execute(expression, context.part(expression))
    if expression not in context.memo:
        try:
            context.memo[expression] = _execute(expression, context.whole)
        except ExpressionFailed as failed:
            context.memo[expression] = failed
    value = context.memo[expression]
    if isinstance(value, ExpressionFailed):
        raise value.with_traceback(None)
    return value


def _execute(expression: str, given: dict[str, Any] | cel.Context) -> Value:
    try:
        return program(expression).execute(given)
    except (TypeError, ArithmeticError, ValueError, KeyError, RuntimeError) as error:
        named = isinstance(error, KeyError | RuntimeError)
        why = str(error).splitlines()[0][:80] if named else said("its values do not fit together")
        raise ExpressionFailed(expression=expression, why=why) from None


def holds(expression: str, context: Context) -> bool:
    """Return whether *expression* is true; raise `ExpressionFailed` when it is neither true nor false."""
    if expression in {"true", "false"}:
        return expression == "true"
    value = evaluate(expression, context)
    if not isinstance(value, bool):
        raise ExpressionFailed(expression=expression, why=said("neither true nor false"))
    return value


def each(expression: str, items: Sequence[Value], context: Context) -> list[Value]:
    """Return what *expression* is for each of *items*, which it calls ``item``; they are worked out together.

    What else the expression needs is converted once, not once for each. Raise as `evaluate`.
    """
    if not items:
        return []
    values: list[Value] = evaluate(f"each_item.map(item, {expression})", context.but(each_item=list(items)))
    return values


def chosen(condition: str, items: Sequence[Value], context: Context) -> list[Value]:
    """Return those of *items* for which *condition* is true; raise as `holds`."""
    if condition in {"true", "false"}:
        return list(items) if condition == "true" else []
    kept = each(condition, items, context)
    if not all(isinstance(one, bool) for one in kept):
        raise ExpressionFailed(expression=condition, why=said("neither true nor false"))
    return [item for item, keep in zip(items, kept, strict=True) if keep]


def fill(template: Value, context: Context) -> Value:
    """Return *template* (maps and lists of expressions) with every expression worked out."""
    if isinstance(template, Mapping):
        return {key: fill(value, context) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, context) for value in template]
    return evaluate(str(template), context)


def expressions_in(template: Value) -> Iterator[str]:
    """Yield the expressions in *template*."""
    if isinstance(template, Mapping | list | tuple):
        for value in template.values() if isinstance(template, Mapping) else template:
            yield from expressions_in(value)
    else:
        yield str(template)


@lru_cache(maxsize=4096)
def paths_of(expression: str) -> frozenset[tuple[str, ...]]:
    """Return the names that *expression* reads, each with the fields that follow it, such as ``("mother", "born")``."""
    program(expression)
    bound = set(MACRO.findall(expression)) | WORDS
    found = set()
    for root, rest, call in PATH.findall(STRING.sub("''", expression)):
        parts = (root, *rest.split(".")[1:])
        if call:
            parts = parts[:-1]
        if parts and root not in bound:
            found.add(parts)
    return frozenset(found)


def names_of(expression: str) -> frozenset[str]:
    """Return the names that *expression* needs from its context."""
    return frozenset(path[0] for path in paths_of(expression))


@lru_cache(maxsize=4096)
def functions_of(expression: str) -> frozenset[str]:
    """Return the functions that *expression* calls, operators apart."""
    return frozenset(name for name in program(expression).functions() if name.isidentifier() and name[0] != "_")
