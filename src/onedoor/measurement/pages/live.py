"""An index of agencies as it stands: whose and what day to choose, down to raw counts, and to take along."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import Text, gettext_noop, pick
from onedoor.measurement import levels, national, readings, telling
from onedoor.measurement.levels import Whose
from onedoor.measurement.national import Live, Question
from onedoor.measurement.pages import kept
from onedoor.measurement.readings import Reading
from onedoor.measurement.rules.points import VERSION

Choices = Sequence[tuple[str, Sequence[tuple[str, Text | str]]]]
"""Groups of those whose index can be chosen: the key of its name, then the word and the name (or its key) of each."""
LEVELS, UNITS = gettext_noop("Levels"), gettext_noop("All agencies in a unit")


@access(PUBLIC)
@require_safe
def live_index(request: HttpRequest, name: str) -> HttpResponse:
    """Show an index of an agency, or of a level, on a day."""
    asked = _asked(request, name)
    found = readings.counted(asked)
    query = urlencode({name: request.GET[name] for name in ("whose", "on", "known") if request.GET.get(name)})

    def context() -> dict[str, object]:
        return _context(national.computed(asked, found.counts, found.since), query)

    return kept.page(request, "measurement/live.html", _key(asked, found, query), context)


def _key(asked: Question, found: Reading, query: str) -> tuple[object, ...]:
    """Return what makes a page another one: where that is the same, so is the page."""
    country = nation.current()
    days = asked.on, asked.known, found.since, country.today()
    return country.path, asked.definition.id, asked.whose.flows, days, frozenset(found.counts.items()), query


def _context(live: Live, query: str) -> dict[str, object]:
    asked, country = live.question, nation.current()
    data, whose = asked.definition.data, telling.whose_name(asked.whose, _language(), _)
    return {
        "title": f"{pick(data['name'], _language())}: {whose}",
        "live": live,
        "asked": asked,
        "data": data,
        "edition": asked.definition.editions[asked.year],
        "rule": VERSION,
        "whose": whose,
        "why_not": telling.why_not,
        "named": lambda measure: telling.measure_name(measure, _),
        "choices": _choices(country, country.today()),
        "chosen": asked.whose.flows,
        "others": national.indices(country),
        "illustrative": national.illustrative(live),
        "today": country.today(),
        "query": query,
    }


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
    return readings.live(_asked(request, name))


def _asked(request: HttpRequest, name: str) -> Question:
    country = nation.current()
    on = national.day(request.GET.get("on")) or country.today()
    national.index_called(country, name)
    whose = _whose(request, country, on)
    return national.asked(country, name, whose, on, national.day(request.GET.get("known")))


def _whose(request: HttpRequest, country: Nation, on: date) -> Whose:
    """Return whose index is asked for; by default that of the lowest level, where most is done."""
    lowest = levels.word(levels.LEVEL, levels.levels(country, on)[-1])
    kind, _colon, id_ = (request.GET.get("whose") or lowest).rpartition(":")
    return levels.whose(country, kind if kind in (levels.UNIT, levels.LEVEL) else levels.AGENCY, id_, on)


def _choices(country: Nation, on: date) -> Choices:
    known = levels.levels(country, on)
    every = [levels.whose(country, levels.AGENCY, one, on) for one in country.agencies]
    top = [unit for unit in levels.units(country, on).values() if not unit.parent]
    return [
        (LEVELS, [(levels.word(levels.LEVEL, one), levels.NAMES.get(one, one)) for one in known]),
        (UNITS, [(levels.word(levels.UNIT, one.code), one.full_name or one.name) for one in top]),
        *((levels.NAMES.get(level, level), [(o.id, o.name) for o in every if o.level == level]) for level in known),
    ]


def _language() -> str:
    return (get_language() or "en")[:2]
