"""What of a case an agency needs for its step: only that is handed over."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from onedoor.procedures.definition import Service, Step
from onedoor.procedures.expressions import Context, Value, expressions_in, paths_of

T = TypeVar("T")

ASIDE = frozenset({"issue", "case", "today", "session", "item"})
PRESENCE = re.compile(r"\bknown\(\s*[A-Za-z_]\w*\s*\)")
WHOLE = "*"


def needs(service: Service, step: Step) -> dict[str, set[str]]:
    """Return the names that *step* needs, each with its fields: ``*`` for all, none for whether it is known at all."""
    own = {write.name for write in step.writes}
    needed: dict[str, set[str]] = {}
    for expression in _expressions(service, step):
        bare = {path[0] for path in paths_of(PRESENCE.sub("true", expression)) if len(path) == 1}
        for root, *rest in paths_of(expression):
            if root not in ASIDE | own:
                needed.setdefault(root, set()).update(rest[:1] or ({WHOLE} if root in bare else ()))
    for shown in step.shows:
        needed.setdefault("fact" if shown in service.facts else "form", set()).add(shown)
        for root, field in _in_words(service, shown):
            needed.setdefault(root, set()).add(field)
    return needed


def enough(service: Service, step: Step, expression: str) -> bool:
    """Return whether what is handed over for *step* decides *expression*."""
    needed = needs(service, step)
    bare = {path[0] for path in paths_of(PRESENCE.sub("true", expression)) if len(path) == 1}
    for root, *rest in paths_of(expression):
        fields = needed.get(root, {WHOLE} if root == "today" else None)
        if fields is None or (root in bare and WHOLE not in fields):
            return False
        if rest and not fields & {rest[0], WHOLE}:
            return False
    return True


def parts(service: Service, step: Step) -> Mapping[str, set[tuple[str, str]]]:
    """Return what is handed over for *step*, each part with the records and fields that it stands in.

    An answer or a fact goes by its id, a field of a record as ``mother.born`` (``mother.*`` stands for all of them).
    """
    return _once(service, ("parts", step.id), lambda: _parts(service, step))


def _once(service: Service, name: tuple[str, ...], make: Callable[[], T]) -> T:
    """Return what *make* made of *service* the first time: it follows from the definition, and nobody may change it."""
    if name not in service.kept:
        service.kept[name] = make()
    found: T = service.kept[name]
    return found


def _parts(service: Service, step: Step) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for root, fields in needs(service, step).items():
        for field in fields:
            if root in ("form", "fact"):
                found[field] = _behind(service, root, field)
            else:
                found[f"{root}.{field}"] = {(root, field)}
    return found


def behind(service: Service, name: str) -> set[tuple[str, str]]:
    """Return the fields of records from which an answer or a fact comes, and those into which a step writes it."""
    return _behind(service, "fact" if name in service.facts else "form", name)


def stands_on(service: Service, kind: str) -> set[tuple[str, str]]:
    """Return the fields of records that stand on a result of this *kind*; ``*`` for a whole record."""
    return _once(service, ("stands", kind), lambda: _stands_on(service, kind))


def _stands_on(service: Service, kind: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for expression in expressions_in(service.results[kind].data):
        for root, *rest in paths_of(PRESENCE.sub("true", expression)):
            if root in ("form", "fact"):
                found |= _behind(service, root, rest[0])
            elif root not in ASIDE:
                found.add((root, rest[0] if rest else WHOLE))
    return found


def leans(service: Service, step: Step, expression: str) -> set[str]:
    """Return the `parts` handed over for *step* that *expression* asks for."""
    return _once(service, ("leans", step.id, expression), lambda: _leans(service, step, expression))


def _leans(service: Service, step: Step, expression: str) -> set[str]:
    asked = {
        path[1] if path[0] in ("form", "fact") else ".".join(path[:2]) for path in paths_of(expression) if path[1:]
    }
    return asked & parts(service, step).keys()


def _behind(service: Service, root: str, name: str) -> set[tuple[str, str]]:
    return _once(service, ("behind", root, name), lambda: _comes_and_goes(service, root, name))


def _comes_and_goes(service: Service, root: str, name: str) -> set[tuple[str, str]]:
    """Return the fields of records from which an answer or a fact comes, and those into which a step writes it."""
    came = paths_of(service.facts[name].value) if root == "fact" else frozenset(_in_words(service, name))
    written = (
        (write.name, field)
        for step in service.steps.values()
        for write in step.writes
        for field, value in write.values.items()
        if any((root, name) in paths_of(expression) for expression in expressions_in(value))
    )
    return {(path[0], path[1]) for path in came if len(path) > 1 and path[0] not in ASIDE}.union(written)


def handed(service: Service, step: Step, known: Context) -> dict[str, Value]:
    """Return the names and values to hand over for *step*: null for what is not known."""
    return {name: _cut(known[name], fields) for name, fields in needs(service, step).items()}


def received(service: Service, names: Mapping[str, Value], known: Context) -> Context:
    """Return *known* (of an empty case) with what was handed over, every field of forms and facts being there."""
    form = dict.fromkeys(service.fields) | dict(names.get("form") or {})
    fact = dict.fromkeys(service.facts) | dict(names.get("fact") or {})
    return known.but(**{**names, "form": form, "fact": fact}).settled()


def _in_words(service: Service, shown: str) -> Iterator[tuple[str, str]]:
    """Yield the record and its fields that say the answer *shown* in words."""
    asked = service.fields.get(shown)
    if asked and asked.binds and asked.option:
        yield from ((asked.binds, path[1]) for path in paths_of(asked.option) if path[0] == "item" and path[1:])


def _cut(value: Value, fields: set[str]) -> Value:
    if WHOLE in fields or not isinstance(value, Mapping):
        return value
    return {field: value[field] for field in sorted(fields) if field in value}


def _expressions(service: Service, step: Step) -> Iterator[str]:
    yield from (step.at, step.when)
    for write in step.writes:
        yield from expressions_in(write.values)
    if step.issues:
        yield from expressions_in(service.results[step.issues].data)
