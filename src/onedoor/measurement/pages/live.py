"""An index of agencies as it stands: whose and what day to choose, down to raw counts, and to take along."""

from collections.abc import Sequence
from datetime import date

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import Text
from onedoor.measurement import levels, national, readings, telling
from onedoor.measurement.errors import NoDay
from onedoor.measurement.levels import Whose
from onedoor.measurement.national import Live
from onedoor.measurement.rules.points import VERSION

Choices = Sequence[tuple[str, Sequence[tuple[str, Text | str]]]]
"""Groups of those whose index can be chosen: what the group is called, then the word and the name of each."""


@access(PUBLIC)
@require_safe
def live_index(request: HttpRequest, name: str) -> HttpResponse:
    """Show an index of an agency, or of a level, on a day."""
    country, found = nation.current(), _found(request, name)
    context = {
        "live": found,
        "asked": found.question,
        "data": found.question.definition.data,
        "edition": found.question.definition.editions[found.question.year],
        "rule": VERSION,
        "title": telling.whose_name(found.question.whose, _language(), _),
        "choices": _choices(country),
        "chosen": found.question.whose.flows,
        "others": national.indices(country),
        "illustrative": national.illustrative(found),
        "today": country.today(),
        "why_not": telling.why_not,
        "named": lambda measure: telling.measure_name(measure, _),
        "query": request.GET.urlencode(),
    }
    return render(request, "measurement/live.html", context)


@access(PUBLIC)
@require_safe
def live_json(request: HttpRequest, name: str) -> HttpResponse:
    """Give the index as JSON."""
    whole = telling.plain(_found(request, name), _language(), _)
    options = {"ensure_ascii": False, "indent": 1}
    return JsonResponse(whole, json_dumps_params=options, headers=_attached(whole, "json"))


@access(PUBLIC)
@require_safe
def live_csv(request: HttpRequest, name: str) -> HttpResponse:
    """Give the index as CSV, a line for each indicator."""
    whole = telling.plain(_found(request, name), _language(), _)
    text = telling.csv_text(whole)
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=_attached(whole, "csv"))


def _attached(whole: telling.Plain, kind: str) -> dict[str, str]:
    whose = whole["agency"] or whole["administrative_unit"] or whole["level"]
    name = f"{whole['index']}-{whose}-{whole['on']}.{kind}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _found(request: HttpRequest, name: str) -> Live:
    country = nation.current()
    on = _day(request, "on") or country.today()
    national.index_called(country, name)
    whose = _whose(request, country, on)
    return readings.live(national.asked(country, name, whose, on, _day(request, "known")))


def _whose(request: HttpRequest, country: Nation, on: date) -> Whose:
    """Return whose index is asked for; by default that of the lowest level, where most is done."""
    lowest = levels.word(levels.LEVEL, levels.levels(country, on)[-1])
    kind, _colon, id_ = (request.GET.get("whose") or lowest).rpartition(":")
    return levels.whose(country, kind if kind in (levels.UNIT, levels.LEVEL) else levels.AGENCY, id_, on)


def _day(request: HttpRequest, name: str) -> date | None:
    text = request.GET.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise NoDay(day=text[:20]) from error


def _choices(country: Nation) -> Choices:
    today = country.today()
    known = levels.levels(country, today)
    every = [levels.whose(country, levels.AGENCY, one, today) for one in country.agencies]
    top = [unit for unit in levels.units(country, today).values() if not unit.parent]
    return [
        (_("Levels"), [(levels.word(levels.LEVEL, one), _(levels.NAMES.get(one, one))) for one in known]),
        (_("All agencies in a unit"), [(levels.word(levels.UNIT, one.code), one.full_name or one.name) for one in top]),
        *((_(levels.NAMES.get(level, level)), [(o.id, o.name) for o in every if o.level == level]) for level in known),
    ]


def _language() -> str:
    return (get_language() or "en")[:2]
