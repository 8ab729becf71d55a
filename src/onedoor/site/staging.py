"""Stages of services for ``onedoor measure stages``: computed from a nation's files, in words and as JSON."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from onedoor.kernel import clock
from onedoor.kernel.errors import BadInput
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import pick
from onedoor.procedures import reading, stages
from onedoor.procedures.definition import Service
from onedoor.procedures.domain import SCALES, SERVICE
from onedoor.procedures.stages import Reason, Scale, Standing
from onedoor.site.messages import gettext_noop, language
from onedoor.site.messages import text as _

NO_TERMINAL = 120
UNREAD = {
    "valid_from": gettext_noop("its first day"),
    "valid_until": gettext_noop("its last day"),
    "law": gettext_noop("its article"),
    "levels": gettext_noop("its levels"),
}


class NoSuchDay(BadInput):
    """“{day}” is not a day. Please write it such as 2026-11-29."""


class NoServiceThen(BadInput):
    """On {day} the nation {nation} has no service “{service}”. It has: {known}."""


class NoScaleThen(BadInput):
    """On {day} no scale of the nation {nation} is in force, so there is nothing to measure services by."""


@dataclass(frozen=True, slots=True)
class Line:
    """A service on one of the scales."""

    service: Service
    standing: Standing


def day(country: Nation, text: str | None) -> date:
    """Return the day that *text* names, today in *country* by default; raise `NoSuchDay`."""
    if text is None:
        return clock.now().astimezone(country.zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NoSuchDay(day=text) from error


def lines(country: Nation, on: date, service_id: str | None = None) -> list[Line]:
    """Return each service in force on a day on each scale that is; raise `NoServiceThen` or `NoScaleThen`."""
    found = [one for one in _services(country) if one.in_force(on)]
    wanted = [one for one in found if service_id in (None, one.id)]
    if service_id is not None and not wanted:
        known = ", ".join(sorted(one.id for one in found)) or "–"
        raise NoServiceThen(day=on.isoformat(), nation=country.id, service=service_id, known=known)
    scales = [scale for scale in _scales(country) if scale.in_force(on)]
    if not scales:
        raise NoScaleThen(day=on.isoformat(), nation=country.id)
    return [Line(one, stages.standing(scale, one)) for one in wanted for scale in scales]


def _services(country: Nation) -> Iterator[Service]:
    for document in country.documents(SERVICE.name):
        yield from map(reading.read, reading.versions(document.data))


def _scales(country: Nation) -> Iterator[Scale]:
    yield from (stages.read(document.data) for document in country.documents(SCALES.name))


def sentence(reason: Reason) -> str:
    """Return why a service is not higher."""
    said = stages.INFORMATION.get(reason.part, "")
    what = _(said) if said else pick(reason.words, language()) if reason.words else reason.part
    return _(stages.SENTENCES[reason.condition], what=what)


def plain(line: Line) -> dict[str, Any]:
    """Return *line* for JSON: ``level`` counts from 1 up to ``levels``; 0 is below the lowest."""
    service, standing = line.service, line.standing
    return {
        "service": service.id,
        "code": service.code,
        "version": service.version,
        "scale": standing.scale.id,
        "law": pick(standing.scale.law.text, language()),
        "illustrative": sorted(standing.scale.illustrative),
        "level": standing.level,
        "levels": len(standing.scale.levels),
        "name": pick(standing.name, language()),
        "reasons": [{"condition": r.condition, "part": r.part, "text": sentence(r)} for r in standing.reasons],
    }


def show(found: Sequence[Line]) -> None:
    """Print the table, then what of its scales was read in no source."""
    if not found:
        print(_("No service is in force on that day."))
        return
    table = Table(title=_("Stages of services, as their definitions say"))
    for name in (_("service"), _("scale"), _("level"), _("why not higher")):
        table.add_column(name)
    for line in found:
        scale = line.standing.scale
        level = f"{pick(line.standing.name, language())} ({line.standing.level}/{len(scale.levels)})"
        why = "\n".join(map(sentence, line.standing.reasons)) or _("It is the highest level.")
        title = f"{pick(line.service.title, language())} ({line.service.code})"
        table.add_row(title, f"{pick(scale.name, language())} – {pick(scale.law.text, language())}", level, why)
    console = Console(width=None if os.isatty(1) else NO_TERMINAL)
    console.print(table)
    for scale in {line.standing.scale.id: line.standing.scale for line in found}.values():
        if scale.illustrative:
            parts = ", ".join(_(UNREAD[part]) for part in sorted(scale.illustrative))
            console.print(_("Illustrative, read in no source, of “{scale}”: {parts}.", scale=scale.id, parts=parts))
    console.print(_("These are levels by definition: no run of a service on the platform stands behind them yet."))
