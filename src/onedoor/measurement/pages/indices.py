"""An index of the world: where a country stands, what its change is made of, what it would take, how a figure came."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.text import fold, pick
from onedoor.measurement import sensitivities
from onedoor.measurement import shelf as shelves
from onedoor.measurement.pages import answers, asking, downloads, kept, origins, pictures, tables, words
from onedoor.measurement.pages.asking import Question, question

LONGEST = 80
MOST_PAGES = 100
PER_PAGE = 25


def beginnings() -> Iterator[tuple[str, str, str]]:
    """Yield the name of each index with figures, its address, and where the nation's own country stands."""
    for id_, shelf in shelves.shelves().items():
        measured = shelf.editions[max(shelf.editions)]
        code = asking.own(measured)
        row = measured.row(measured.table.places[code])
        told = _("{country}: place {rank} of {count} in {edition}").format(
            country=words.country(shelf.world, code),
            rank=words.rank(row),
            count=len(measured.ranked),
            edition=measured.edition.edition,
        )
        yield words.index(measured), reverse("measurement:index", args=[id_]), told


@access(PUBLIC)
@require_safe
def index(request: HttpRequest, index: str) -> HttpResponse:
    """Show where a country stands: over time, on the map, in the table of the world or of a group."""
    asked = question(request, index)
    order = asking.chosen(request, "sort", tables.orders(asked.measured), tables.RANK)
    searched = " ".join(request.GET.get("q", "").split())[:LONGEST]
    number = asking.chosen(request, "page", [str(one) for one in range(1, MOST_PAGES)], "1")

    def context() -> Mapping[str, Any]:
        lines = tables.lines(asked, order, fold(searched))
        history = pictures.history(asked)
        figures = pictures.drawn([history] if history else [])
        return _common(asked) | {
            "title": tables.headline(asked),
            "whole": all(one.pictures for one in figures.values()),
            "figures": figures,
            "history": list(tables.history(asked)),
            "key": list(tables.key_figures(asked)),
            "map": tables.squares(asked),
            "near": tables.near(asked),
            "legend": pictures.legend(asked.measured),
            "lines": Paginator(lines, PER_PAGE).get_page(number),
            "columns": tables.columns(asked.measured),
            "order": order,
            "searched": searched,
            "countries": tables.countries(asked),
            "forms": list(downloads.FORMS),
        }

    return kept.page(request, "measurement/index.html", (asked.key, order, searched, number), context)


@access(PUBLIC)
@require_safe
def why(request: HttpRequest, index: str, country: str) -> HttpResponse:
    """Show what a country's change is made of, who stands near it, and what makes its rank unsure."""
    asked = question(request, index, country)
    asked.measured.ranked_place(asked.code)
    before = asking.since(request, asked)
    since = before.edition.edition if before else None
    factors = sensitivities.of(asked.shelf, asked.year)

    def context() -> Mapping[str, Any]:
        plots, found = [], None
        if before is not None:
            waterfall, found = pictures.changes(asked, before)
            plots.append(waterfall)
        own = factors.get(asked.code, []) if factors is not None else []
        if own:
            plots.append(pictures.sensitivity(asked, own))
        figures = pictures.drawn(plots)
        return _common(asked) | {
            "title": _("{country}, {edition}: why this rank").format(country=pictures.named(asked), edition=asked.year),
            "whole": all(one.pictures for one in figures.values()),
            "figures": figures,
            "since": since,
            "change": tables.change(asked, found) if found else None,
            "peers": tables.peers(asked),
            "factors": None if factors is None else list(tables.factors(asked, own)),
        }

    return kept.page(request, "measurement/why.html", (asked.key, since, factors is not None), context)


@access(PUBLIC)
@require_safe
def goal(request: HttpRequest, index: str, country: str) -> HttpResponse:
    """Show what it would take a country to reach a rank, or a place in a group."""
    asked = question(request, index, country)
    wanted = answers.wanted(request, asked)

    def context() -> Mapping[str, Any]:
        answer = answers.answer(asked, wanted)
        figures = pictures.drawn([pictures.ways(asked, wanted.place, answer.needed)] if answer.needed else [])
        return _common(asked) | {
            "title": _("{country}: what would it take?").format(country=pictures.named(asked)),
            "whole": all(one.pictures for one in figures.values()),
            "figures": figures,
            "wanted": wanted,
            "answer": answer,
            "moving": answers.can_move(asked),
        }

    return kept.page(request, "measurement/goal.html", (asked.key, wanted), context)


@access(PUBLIC)
@require_safe
def origin(request: HttpRequest, index: str, country: str) -> HttpResponse:
    """Show how a country's figures came about: what was published, where, and by which rules the rest is computed."""
    asked = question(request, index, country)

    def context() -> Mapping[str, Any]:
        return _common(asked) | {
            "title": _("{country}, {edition}: where these figures come from").format(
                country=pictures.named(asked), edition=asked.year
            ),
            "origin": origins.origin(asked),
        }

    return kept.page(request, "measurement/origin.html", asked.key, context)


def _common(asked: Question) -> dict[str, Any]:
    """Return what every page of an index says."""
    shelf = asked.shelf
    return {
        "asked": asked,
        "country": pictures.named(asked),
        "index": words.index(asked.measured),
        "id": shelf.definition.id,
        "row": asked.measured.row(asked.place),
        "years": list(shelf.editions),
        "group": asked.group.id if asked.group else "",
        "group_name": pick(asked.group.name, words.language()) if asked.group else "",
        "source": words.source(asked.measured),
        "licence": shelf.definition.data.get("licence"),
        "refused": [name for name, _error in shelf.refused],
        "count": len(asked.measured.ranked),
        "draws": words.count(shelves.DRAWS),
        "number": words.number,
        "pair": words.pair,
    }
