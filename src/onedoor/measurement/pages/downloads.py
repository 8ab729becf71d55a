"""What can be taken away: figures as CSV, JSON and SDMX-CSV, plots as SVG and PNG."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.errors import NotFound, Unavailable
from onedoor.kernel.said import said
from onedoor.measurement import drawing, plots, sensitivities
from onedoor.measurement.measured import Measured
from onedoor.measurement.pages import answers, pictures, words
from onedoor.measurement.pages.asking import Question, question, shown, since
from onedoor.measurement.pages.pictures import Plot

STRUCTURE = ("STRUCTURE", "STRUCTURE_ID", "ACTION")
DIMENSIONS = ("REF_AREA", "INDICATOR", "TIME_PERIOD")
ATTRIBUTES = ("OBS_STATUS", "DECIMALS", "SOURCE")
VERSION = "1.0"
INFORMATION = "I"
"""What is told for information: nobody is asked to change anything (SDMX-CSV 2.0, column ACTION)."""
NORMAL, MISSING = "A", "M"
"""Codes of the code list of the status of an observation, CL_OBS_STATUS."""


@access(PUBLIC)
@require_safe
def data(request: HttpRequest, index: str, form: str) -> HttpResponse:
    """Give the figures of an edition, or of a group in it, as a file."""
    if form not in FORMS:
        raise NotFound
    kind, ending, make = FORMS[form]
    asked = question(request, index)
    group = f"-{asked.group.id}" if asked.group else ""
    return _file(make(asked), kind, f"{index}-{asked.year}{group}{ending}")


@access(PUBLIC)
@require_safe
def tiles(request: HttpRequest, index: str, form: str) -> HttpResponse:
    """Give the map as a picture."""
    asked = question(request, index)
    return _picture(asked, pictures.tiles(asked), form)


@access(PUBLIC)
@require_safe
def plot(request: HttpRequest, index: str, country: str, plot: str, form: str) -> HttpResponse:
    """Give a plot as a picture."""
    asked = question(request, index, country)
    return _picture(asked, PLOTS[plot](request, asked) if plot in PLOTS else None, form)


def _history(_request: HttpRequest, asked: Question) -> Plot | None:
    return pictures.history(asked)


def _goal(request: HttpRequest, asked: Question) -> Plot | None:
    wanted = answers.wanted(request, asked)
    needed = answers.answer(asked, wanted).needed
    return pictures.ways(asked, wanted.place, needed) if needed else None


def _waterfall(request: HttpRequest, asked: Question) -> Plot | None:
    before = since(request, asked)
    return pictures.changes(asked, before)[0] if before else None


def _sensitivity(_request: HttpRequest, asked: Question) -> Plot | None:
    found = sensitivities.of(asked.shelf, asked.year)
    if found is None:
        raise Unavailable(who=said("The calculation of what moves ranks"))
    return pictures.sensitivity(asked, found[asked.code]) if found.get(asked.code) else None


PLOTS: Mapping[str, Callable[[HttpRequest, Question], Plot | None]] = {
    "goal": _goal,
    "history": _history,
    "waterfall": _waterfall,
    "sensitivity": _sensitivity,
}


def _picture(asked: Question, found: Plot | None, form: str) -> HttpResponse:
    if found is None or form not in ("svg", "png"):
        raise NotFound
    name = f"{asked.shelf.definition.id}-{asked.year}-{asked.code.lower()}-{found.name}.{form}"
    spec = plots.titled(found.spec(plots.WIDE), found.title, words.source(asked.measured))
    svg = drawing.svgs([spec])[0]
    light = plots.in_light(svg) if svg else None
    made = light.encode() if light and form == "svg" else drawing.png(light) if light else None
    if made is None:
        raise Unavailable(who=said("The drawing of plots"))
    return _file(made, "image/svg+xml" if form == "svg" else "image/png", name)


def _file(content: str | bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def rows(asked: Question) -> Iterator[dict[str, str | int | bool | None]]:
    """Yield the figures of each country: decimals as texts, None where there is nothing."""
    measured, year = asked.measured, asked.year
    intervals = asked.shelf.intervals(year)
    told = sorted(shown(asked), key=lambda place: (measured.standing.best[place] or 10**6, place))
    for place in told:
        row = measured.row(place)
        interval = intervals.get(row.country)
        yield {
            "edition": year,
            "code": measured.table.codes[place],
            "country": row.country,
            "value": None if row.value is None else str(row.value),
            "published_value": None if row.published_value is None else str(row.published_value),
            "rank": row.rank,
            "worst": row.worst,
            "published_rank": row.published_rank,
            "agrees": row.agrees,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            **parts(measured, place),
        }


def parts(measured: Measured, place: int) -> dict[str, str | None]:
    """Return the parts of the index of a country, with the digits they are published to; None for what is blank."""
    figures, names = measured.figures, measured.edition.indicators
    columns = zip(names, figures.parts[place], figures.steps, figures.blank[place, 1:], strict=True)
    return {name: None if blank else str(measured.decimal(int(value), step)) for name, value, step, blank in columns}


def _csv(asked: Question) -> str:
    told = list(rows(asked))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(told[0]))
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in told)
    return out.getvalue()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _json(asked: Question) -> str:
    measured = asked.measured
    found = {
        "index": measured.definition.id,
        "edition": asked.year,
        "group": asked.group.id if asked.group else None,
        "source": measured.definition.editions[asked.year].get("source"),
        "licence": measured.definition.data.get("licence"),
        "definition": {file.name: f"sha256:{digest}" for file, digest in asked.shelf.digests.items()},
        "rows": list(rows(asked)),
    }
    return json.dumps(found, ensure_ascii=False, indent=1)


def _sdmx(asked: Question) -> str:
    """Return SDMX-CSV 2.0: one observation a line, of the index, its rank and each of its parts."""
    measured, index = asked.measured, asked.measured.definition.id.upper()
    source = measured.definition.editions[asked.year].get("source") or ""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*STRUCTURE, *DIMENSIONS, "OBS_VALUE", *ATTRIBUTES])
    for row in rows(asked):
        values = {index: row["value"], f"{index}_RANK": row["rank"]}
        values |= {name.upper(): row[name] for name in measured.edition.indicators}
        for indicator, value in values.items():
            decimals = len(str(value).partition(".")[2])
            told = ["", MISSING, "", source] if value is None else [value, NORMAL, decimals, source]
            writer.writerow(
                ["dataflow", f"ONEDOOR:{index}({VERSION})", INFORMATION, row["code"], indicator, asked.year, *told]
            )
    return out.getvalue()


FORMS: Mapping[str, tuple[str, str, Callable[[Question], str]]] = {
    "csv": ("text/csv; charset=utf-8", ".csv", _csv),
    "json": ("application/json", ".json", _json),
    "sdmx": ("application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8", ".sdmx.csv", _sdmx),
}
"""The files by their names: content type, ending, and what writes them."""
