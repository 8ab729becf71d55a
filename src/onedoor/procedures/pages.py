"""The catalogue: the first page, the search, and a service's own page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from onedoor.kernel import clock, nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.errors import NotFound
from onedoor.kernel.text import Text
from onedoor.procedures import service as procedures
from onedoor.procedures.definition import Service, Step

LONGEST = 200
SHOWN = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps of a service that run side by side, after those of the stage before."""

    steps: tuple[Step, ...]


@access(PUBLIC)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the door: search, what happens in a life, what the State already knows."""
    services = procedures.services(_today())
    example = next((one for one in services if one.not_asked), None)
    return render(request, "procedures/home.html", {"events": _by_event(services), "example": example, "shown": SHOWN})


@access(PUBLIC)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the services that answer a query, or all of them."""
    query = " ".join(request.GET.get("q", "").split())[:LONGEST]
    every = [procedures.Match(one) for one in procedures.services(_today())]
    found = procedures.search(query, get_language() or "en", _today()) if query else every
    return render(request, "procedures/search.html", {"query": query, "found": found})


@access(PUBLIC)
@require_safe
def service(request: HttpRequest, service_id: str) -> HttpResponse:
    """Show what a service gives, to whom, with which steps, limits and laws."""
    one = procedures.in_force(service_id, _today())
    context = {"service": one, "stages": _stages(one), "posts": _posts(one), "cutoff": _cutoff(one)}
    context["laws"] = [procedures.law_text(law) for law in one.law.values()]
    return render(request, "procedures/service.html", context)


def _today() -> date:
    return clock.now().astimezone(nation.current().calendar.tz).date()


def _by_event(services: Sequence[Service]) -> Sequence[tuple[Text, Sequence[Service]]]:
    """Return the services by what happens in a life, in the order the nation lists them."""
    events: dict[tuple[tuple[str, str], ...], list[Service]] = {}
    for one in services:
        events.setdefault(tuple(one.life_event.items()), []).append(one)
    return [(dict(event), group) for event, group in events.items()]


def _cutoff(one: Service) -> time | None:
    return time.fromisoformat(one.clock.cutoff) if one.clock.cutoff else None


def _stages(one: Service) -> Sequence[Stage]:
    """Return the steps in the order they can run: what waits for nothing more stands side by side."""
    left, done, stages = dict(one.steps), set[str](), list[Stage]()
    while left:
        ready = [step for step in left.values() if set(step.after) <= done]
        if not ready:
            raise NotFound
        stages.append(Stage(tuple(ready)))
        done.update(step.id for step in ready)
        left = {key: step for key, step in left.items() if key not in done}
    return stages


def _posts(one: Service) -> Mapping[str, Text]:
    """Return for each step the words for the post that does it, as its kind of agency calls it."""
    return {step.id: procedures.post_text(step) for step in one.steps.values()}
