"""Stages of services for ``onedoor measure stages``: by a nation's files, and as runs prove them at its portal."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from onedoor.kernel import clock
from onedoor.kernel.errors import BadInput
from onedoor.kernel.nation import Nation
from onedoor.kernel.text import pick
from onedoor.procedures import reading, stages
from onedoor.procedures.definition import Service
from onedoor.procedures.domain import SCALES
from onedoor.procedures.stages import Reason, Scale, Standing
from onedoor.site.messages import gettext_noop, language
from onedoor.site.messages import text as _
from onedoor.site.proofs import Proofs

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
    """A service on one of the scales, and the digest of its definition: a run proves no other."""

    service: Service
    standing: Standing
    digest: str


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
    found = [one for one in reading.every(country) if one.in_force(on)]
    wanted = [one for one in found if service_id in (None, one.id)]
    if service_id is not None and not wanted:
        known = ", ".join(sorted(one.id for one in found)) or "–"
        raise NoServiceThen(day=on.isoformat(), nation=country.id, service=service_id, known=known)
    scales = [scale for scale in _scales(country) if scale.in_force(on)]
    if not scales:
        raise NoScaleThen(day=on.isoformat(), nation=country.id)
    return [Line(one, stages.standing(scale, one), reading.digest(one)) for one in wanted for scale in scales]


def _scales(country: Nation) -> Iterator[Scale]:
    yield from (stages.read(document.data) for document in country.documents(SCALES.name))


def sentence(reason: Reason) -> str:
    """Return why a service is not higher."""
    said = stages.INFORMATION.get(reason.part, "")
    what = _(said) if said else pick(reason.words, language()) if reason.words else reason.part
    return _(stages.SENTENCES[reason.condition], what=what)


def plain(line: Line, proofs: Proofs) -> dict[str, Any]:
    """Return *line* for JSON: ``level`` counts from 1 up to ``levels``; 0 is below the lowest.

    ``proved`` is null without a run on this very definition, ``achieved`` is null where no portal was asked.
    """
    service, standing = line.service, line.standing
    return {
        "service": service.id,
        "code": service.code,
        "version": service.version,
        "digest": line.digest,
        "scale": standing.scale.id,
        "law": pick(standing.scale.law.text, language()),
        "illustrative": sorted(standing.scale.illustrative),
        "level": standing.level,
        "levels": len(standing.scale.levels),
        "name": pick(standing.name, language()),
        "reasons": [{"condition": r.condition, "part": r.part, "text": sentence(r)} for r in standing.reasons],
        "proved": _told(line, proofs).get("proved"),
        "achieved": _achieved(service, proofs),
    }


def _told(line: Line, proofs: Proofs) -> Mapping[str, Any]:
    return proofs.told.get((line.service.id, line.standing.scale.id, line.digest), {})


def _achieved(service: Service, proofs: Proofs) -> dict[str, int] | None:
    if not proofs.address:
        return None
    away, ended = proofs.share.get(service.id, (0, 0))
    return {"without_visit": away, "ended": ended}


def _proved(line: Line, proofs: Proofs) -> str:
    """Return up to which level a run proves a service, its day and its case."""
    proof = _told(line, proofs).get("proved")
    if not line.standing.level:
        return "–"
    if not proof:
        return _("no run yet")
    day, levels = str(proof["ended"])[:10], len(line.standing.scale.levels)
    level = f"{proof['name']} ({proof['level']}/{levels})"
    return _("{level}: run of {day}, case {case}", level=level, day=day, case=proof["case"])


def _share(service: Service, proofs: Proofs) -> str:
    away, ended = proofs.share.get(service.id, (0, 0))
    if not ended:
        return _("no case ended yet")
    percent = str((Decimal(100 * away) / ended).quantize(Decimal("0.1")))
    percent = percent if language() == "en" else percent.replace(".", ",")
    return _("{away} of {ended} ({percent} %)", away=away, ended=ended, percent=percent)


def show(found: Sequence[Line], proofs: Proofs) -> None:
    """Print the table, then what of its scales was read in no source, and who told what proves it."""
    if not found:
        print(_("No service is in force on that day."))
        return
    table = Table(title=_("Stages of services"))
    seen = (_("proved"), _("real cases without a visit")) if proofs.address else ()
    for name in (_("service"), _("scale"), _("level by definition"), *seen, _("why not higher")):
        table.add_column(name)
    for line in found:
        scale = line.standing.scale
        level = f"{pick(line.standing.name, language())} ({line.standing.level}/{len(scale.levels)})"
        why = "\n".join(map(sentence, line.standing.reasons)) or _("It is the highest level.")
        title = f"{pick(line.service.title, language())} ({line.service.code})"
        law = f"{pick(scale.name, language())} – {pick(scale.law.text, language())}"
        told = (_proved(line, proofs), _share(line.service, proofs)) if proofs.address else ()
        table.add_row(title, law, level, *told, why)
    console = Console(width=None if os.isatty(1) else NO_TERMINAL)
    console.print(table)
    for scale in {line.standing.scale.id: line.standing.scale for line in found}.values():
        if scale.illustrative:
            parts = ", ".join(_(UNREAD[part]) for part in sorted(scale.illustrative))
            console.print(_("Illustrative, read in no source, of “{scale}”: {parts}.", scale=scale.id, parts=parts))
    if proofs.address:
        console.print(_("Runs and real cases as told by {address}.", address=proofs.address))
    else:
        console.print(_("By definition only: no portal was asked for runs that prove it. Name one: --portal ADDRESS."))
