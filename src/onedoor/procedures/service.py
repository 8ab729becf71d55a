"""The door of public services as definitions: find one, ask what its form, steps and clock say."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

from django.utils import translation
from django.utils.translation import get_language, gettext

from onedoor.kernel import clock, nation
from onedoor.kernel.errors import NotFound, OnedoorError
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text, pick
from onedoor.procedures import handing, limits, reading, rules, searching, stages
from onedoor.procedures.answers import AnswerFault, Raw, TooLong, check_file
from onedoor.procedures.definition import Condition, Fee, Law, Result, Service, Source, Step, Suggestion, Write
from onedoor.procedures.domain import SCALES
from onedoor.procedures.expressions import BadExpression, Context, ExpressionFailed, Value, evaluate, names_of, paths_of
from onedoor.procedures.handing import behind, enough, handed, leans, needs, parts, stands_on
from onedoor.procedures.layouts import data as layout_data
from onedoor.procedures.models import ServiceVersion
from onedoor.procedures.questions import Fact, Field, Page
from onedoor.procedures.resting import deciding, sources_behind
from onedoor.procedures.rules import (
    Choice,
    Found,
    Inputs,
    Query,
    counting,
    default,
    document,
    ineligible,
    is_required,
    results_of,
    said,
    settled_fields,
    steps_of,
    values_of,
    visible_facts,
    visible_fields,
    visible_pages,
    wanted,
)
from onedoor.procedures.searching import Match
from onedoor.procedures.stages import Reason, Scale, Standing, fees_due, is_complete, needs_visit, standing
from onedoor.procedures.world import world_of

__all__ = [
    "AnswerFault",
    "BadExpression",
    "Choice",
    "Condition",
    "Context",
    "ExpressionFailed",
    "Fact",
    "Fee",
    "Field",
    "Found",
    "Inputs",
    "Match",
    "NoSuchService",
    "Page",
    "Query",
    "Reason",
    "Result",
    "Scale",
    "Service",
    "Source",
    "Standing",
    "Step",
    "Suggestion",
    "TooLong",
    "Write",
    "behind",
    "check_file",
    "choices",
    "context",
    "counting",
    "deciding",
    "default",
    "digest",
    "document",
    "due",
    "enough",
    "evaluate",
    "fees_due",
    "get",
    "handed",
    "in_force",
    "ineligible",
    "is_complete",
    "is_required",
    "knows",
    "law_text",
    "layout_data",
    "leans",
    "missing_answers",
    "names_of",
    "needs",
    "needs_visit",
    "owner",
    "parts",
    "paths_of",
    "pin",
    "pinned",
    "post_text",
    "reason_text",
    "received",
    "results_of",
    "said",
    "scales",
    "search",
    "services",
    "settle",
    "settled_fields",
    "sources_behind",
    "standing",
    "stands_on",
    "start",
    "steps_of",
    "template",
    "validate_answer",
    "values_of",
    "versions",
    "visible_facts",
    "visible_fields",
    "visible_pages",
    "wanted",
    "whole_due",
    "words_of",
]


class NoSuchService(NotFound):
    """There is no public service “{service}” at that time. Please search for it by name."""


def services(on: date) -> list[Service]:
    """Return every service in force on a day, in the order of their ids."""
    return [service for service in _all() if service.in_force(on)]


def versions() -> tuple[Service, ...]:
    """Return every version of every service of the nation."""
    return _all()


def in_force(service_id: str, on: date) -> Service:
    """Return the version of a service that is the law's on a day; raise `NoSuchService`."""
    return _only([service for service in services(on) if service.id == service_id], service_id)


def get(service_id: str, version: str) -> Service:
    """Return one version of a service from the nation's files; raise `NoSuchService`."""
    return _only([s for s in _all() if (s.id, s.version) == (service_id, version)], service_id)


def scales() -> tuple[Scale, ...]:
    """Return every scale of the law by which services are measured, the newest first."""
    return nation.current().once(_read_scales)


def reason_text(reason: Reason) -> str:
    """Return why a service is not higher on a scale, in the language of the request."""
    told = stages.INFORMATION.get(reason.part, "")
    what = gettext(told) if told else pick(reason.words, get_language() or "en") if reason.words else reason.part
    return gettext(stages.SENTENCES[reason.condition]).format(what=what)


def search(query: str, language: str, on: date) -> list[Match]:
    """Return the services in force of which every word of *query* begins a word, accents or not, the best first."""
    return searching.find(services(on), query, language)


def pin(service: Service) -> str:
    """Keep the definition in this database, once, and return its digest; within the caller's transaction."""
    return _pin(service, nation.current())


def _pin(service: Service, country: nation.Nation) -> str:
    written, its_digest = reading.written(service), digest(service)
    kept = {"service": service.id, "version": service.version, "definition": written, "pinned_at": clock.now()}
    # Only a kept version of the nation has a folder of its own, named by its digest, which nothing changes.
    kept["nation"] = country.path.name if country.path.parent == settings().nation else ""
    ServiceVersion.objects.get_or_create(digest=its_digest, defaults=kept)
    return its_digest


digest = reading.digest


def knows(service_id: str, version: str, meant: str) -> bool:
    """Return whether this agency's files define a version as the digest *meant* says, or did; it is pinned then."""
    if ServiceVersion.objects.filter(service=service_id, version=version, digest=meant).exists():
        return True
    here = nation.current()
    for country in chain([here], nation.kept(here)):
        for service in country.once(reading.every):
            for found in (service, _bare(service)):
                if (found.id, found.version) == (service_id, version) and digest(found) == meant:
                    _pin(found, country)
                    return True
    return False


def _bare(service: Service) -> Service:
    """Return *service* as it was pinned before layouts were part of it: cases that began then go on."""
    return replace(service, definition={key: part for key, part in service.definition.items() if key != "layouts"})


def template(meant: str, result: Result) -> Path:
    """Return the layout of a result as it was when the definition of the digest *meant* was pinned."""
    own = ServiceVersion.objects.values_list("nation", flat=True).get(digest=meant)
    folder = settings().nation / own if own else nation.current().path
    return folder / result.template


def pinned(service_id: str, version: str, digest: str = "") -> Service:
    """Return a pinned definition, that of *digest* or the latest of its version; raise `NoSuchService`."""
    if not digest:
        found = ServiceVersion.objects.filter(service=service_id, version=version)
        digest = found.values_list("digest", flat=True).first() or ""
    try:
        service = _pinned(digest)
    except ServiceVersion.DoesNotExist:
        raise NoSuchService(service=service_id[:60]) from None
    return _only([service] if (service.id, service.version) == (service_id, version) else [], service_id)


@lru_cache(maxsize=256)
def _pinned(digest: str) -> Service:
    """Return what was pinned under *digest*: a row that never changes and never goes, so this process keeps it."""
    return reading.read(json.loads(ServiceVersion.objects.get(digest=digest).definition))


def context(service: Service, inputs: Inputs) -> Context:
    """Return what expressions of *service* know of a case, in this process's nation."""
    return rules.context(service, inputs, _world(inputs.today))


def received(service: Service, names: Mapping[str, Value], inputs: Inputs) -> Context:
    """Return what expressions know at an agency that was handed *names* (see `handed`)."""
    return handing.received(service, names, context(service, inputs))


def settle(service: Service, inputs: Inputs, ask: rules.Ask) -> dict[str, Found]:
    """Return what is found once no look-up is left, asking in waves (see `rules.settle`)."""
    return rules.settle(service, inputs, _world(inputs.today), ask)


def choices(asked: Field, known: Context) -> tuple[Choice, ...]:
    """Return what can be chosen now for a question, in order."""
    return rules.choices(asked, known, _world(known["today"]))


def validate_answer(asked: Field, raw: Raw, known: Context) -> Value:
    """Return the value of what was typed, or None; raise `AnswerFault` (`words_of` says it in every language)."""
    return rules.validate_answer(asked, raw, known, _world(known["today"]))


def missing_answers(page: Page, known: Context) -> list[Field]:
    """Return the questions of *page* that still need an answer."""
    return rules.missing_answers(page, known, _world(known["today"]))


def law_text(law: Law) -> Text:
    """Return the words for a rule of law; one that was read in no source says that it is illustrative."""
    if not law.illustrative:
        return law.text
    said = {}
    for language, words in law.text.items():
        with translation.override(language):
            said[language] = f"{words} ({gettext('illustrative')})"
    return said


def words_of(error: OnedoorError) -> Text:
    """Return what an error says in every language of the nation; the service's own words come first."""
    if isinstance(error, AnswerFault) and error.own:
        return error.own
    said = {}
    for language in nation.current().languages:
        with translation.override(language):
            said[language] = error.text(gettext, language)
    return said


def owner(step: Step, known: Context) -> str:
    """Return the id of the agency that does *step*, such as ``commune-00199``."""
    return rules.agency_of(step, known)


def post_text(step: Step) -> Text:
    """Return the words for the post that does *step*, as the first agency of its kind calls it."""
    for key, agency in nation.current().agencies.items():
        if key.rpartition("-")[0] == step.agency_kind and step.post in agency.posts:
            return agency.posts[step.post]
    return {}


def start(service: Service, moment: datetime) -> datetime:
    """Return when the clock of something submitted at *moment* starts."""
    return limits.start(service, moment, nation.current().calendar)


def due(service: Service, step_id: str, received: datetime, *, verified: bool = False) -> datetime:
    """Return when a step is due whose agency received it at a moment; after the cut-off it counts from the next day."""
    step = service.steps[step_id]
    return limits.step_due(service, step, received, nation.current().calendar, verified=verified)


def whole_due(service: Service, started: datetime, *, verified: bool = False) -> datetime:
    """Return when the results of a case are due whose clock started at *started*."""
    return limits.whole_due(service, started, nation.current().calendar, verified=verified)


def _world(today: str) -> rules.World:
    return _world_on(date.fromisoformat(today[:10]))


def _world_on(on: date) -> rules.World:
    return nation.current().once(_worlds)(on)


def _worlds(country: nation.Nation) -> Callable[[date], rules.World]:
    return lru_cache(maxsize=64)(partial(world_of, country))


def _only(found: list[Service], service_id: str) -> Service:
    if not found:
        raise NoSuchService(service=service_id[:60])
    return found[0]


def _all() -> tuple[Service, ...]:
    return nation.current().once(reading.every)


def _read_scales(country: nation.Nation) -> tuple[Scale, ...]:
    found = (stages.read(document.data) for document in country.documents(SCALES.name))
    return tuple(sorted(found, key=lambda scale: (scale.valid_from, scale.id), reverse=True))
