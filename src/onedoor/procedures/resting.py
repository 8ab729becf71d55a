"""What rests on what in the end: a condition on the sources that could change it, a page on questions and sources."""

from collections.abc import Iterable, Iterator

from onedoor.procedures.definition import Condition, Service
from onedoor.procedures.expressions import paths_of
from onedoor.procedures.questions import Field, Page

SKIPPED = frozenset({"record", "pick"})
"""Kinds of questions that are not asked where only one answer is possible."""


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


def deciding(service: Service, page: Page) -> tuple[frozenset[str], frozenset[str]]:
    """Return the questions and the sources on which it rests whether *page* asks anything; none when it always does."""
    asked = [field for field in page.fields if not field.corrects]
    if page.show == "true" and any(field.show == "true" and not _skips(field) for field in asked):
        return frozenset(), frozenset()
    questions: set[str] = set()
    waiting = [page.show, *(text for field in asked for text in (field.show, field.where, field.values))]
    sources = _behind(service, [*waiting, *(of for field in asked for of in field.of)])
    waiting += [text for source in sources for text in _asked_by(service, source)]
    while waiting:
        for field in set(_questions(service, waiting.pop())) - questions:
            questions.add(field)
            waiting.append(service.fields[field].show)
    return frozenset(questions), sources


def _skips(field: Field) -> bool:
    return field.kind in SKIPPED and field.single == "skip"


def _asked_by(service: Service, source: str) -> Iterator[str]:
    """Yield the expressions that say when *source* is asked, and for what."""
    asked = service.data[source]
    yield from (asked.when, *asked.by.values())
    for rule in service.eligible:
        if rule.id in asked.once:
            yield from (rule.when, rule.condition)


def _questions(service: Service, expression: str) -> Iterator[str]:
    """Yield the questions that *expression* names: by their id, or by the record that one chooses."""
    for root, *rest in paths_of(expression):
        known = service.fields.values()
        yield from (one.id for one in known if (root == "form" and one.id in rest[:1]) or (one.binds or "-") == root)
