"""What an expression rests on in the end: the sources whose answers could change what it says."""

from collections.abc import Iterable, Iterator

from onedoor.procedures.definition import Condition, Service
from onedoor.procedures.expressions import paths_of


def sources_behind(service: Service, rule: Condition) -> frozenset[str]:
    """Return the ids of the sources that *rule* rests on, with those that must answer before these can be asked."""
    return _behind(service, (rule.condition, rule.when))


def _behind(service: Service, expressions: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(expressions)
    while waiting:
        for source in set(_named(service, waiting.pop())) - found:
            found.add(source)
            waiting += [service.data[source].when, *service.data[source].by.values()]
    return frozenset(found)


def _named(service: Service, expression: str) -> Iterator[str]:
    """Yield the sources that *expression* names: by their id, by a fact, or by a question that offers their records."""
    for root, *rest in paths_of(expression):
        name = service.facts[rest[0]].source if root == "fact" and rest else root
        if name in service.data:
            yield name
        offering = service.fields.values() if name != "form" else [service.fields[field] for field in rest[:1]]
        yield from (of for field in offering if name in {"form", field.binds} for of in field.of)
