"""How far services go online: the board of all, each opened to its reasons, and downloads."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import pick
from onedoor.measurement import board
from onedoor.measurement.board import NO_CASE, Board, Row, Share
from onedoor.measurement.pages import kept
from onedoor.measurement.proving import FAULTS
from onedoor.measurement.words import CONDITIONS, UNREAD
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Reason, Scale, Service

LONGEST = 200
A_PAGE = 25
DAYS = 31
COLUMNS = (
    "service", "code", "version", "digest", "scale", "level", "levels", "name", "proved", "case", "run_ended",
    "without_visit", "ended",
)  # fmt: skip


@access(PUBLIC)
@require_safe
def stages(request: HttpRequest) -> HttpResponse:
    """Show every service on every scale in force, with what proves its level; searched and filtered."""
    typed = {name: " ".join(request.GET.get(name, "").split())[:LONGEST] for name in ("q", "level", "proof", "scale")}
    on, scales = _today(), _scales(typed["scale"])
    whole = board.board(on, scales, get_language() or "en")
    page = Paginator(_filtered(whole.rows, typed, on), A_PAGE).get_page(request.GET.get("page"))
    shares = board.shares(row.service.id for row in page)
    key = nation.current().path, on, whole.passed, *typed.values(), page.number, *sorted(shares.items())

    def context() -> Mapping[str, Any]:
        return {
            "title": _("How far services go online"),
            "typed": typed,
            "query": "".join(f"&{urlencode({name: value})}" for name, value in typed.items() if value),
            "rows": page,
            "shares": shares,
            "no_case": NO_CASE,
            "counted": whole.counted,
            "scales": scales,
            "all_scales": procedures.scales(),
            "reason_text": procedures.reason_text,
            "level_name": board.level_name,
            "demonstration": settings().demonstration,
        }

    return kept.page(request, "measurement/stages.html", key, context)


@access(PUBLIC)
@require_safe
def stage(request: HttpRequest, service_id: str) -> HttpResponse:
    """Show one service on every scale in force: reasons, the run that proves it, law, and real cases by day."""
    on = _today()
    service = procedures.in_force(service_id, on)
    told = board.told(service.id, DAYS)

    def context() -> Mapping[str, Any]:
        last = board.last_run(service.id) if told.run else None
        return _of_service(service) | {"last": last, "share": told.share, "days": told.days}

    key = nation.current().path, on, service.id, told
    return kept.page(request, "measurement/stage.html", key, context)


def _of_service(service: Service) -> dict[str, Any]:
    return {
        "title": _("How far it goes online: %(service)s") % {"service": pick(service.title, get_language() or "en")},
        "service": service,
        "rows": [row for row in _today_on_all().rows if row.service.id == service.id],
        "digest": procedures.digest(service),
        "reason_text": procedures.reason_text,
        "level_name": board.level_name,
        "conditions": _conditions,
        "fault": _fault,
        "unread": lambda scale: [_(UNREAD[part]) for part in sorted(scale.illustrative)],
        "demonstration": settings().demonstration,
    }


@access(PUBLIC)
@require_safe
def stages_export(_request: HttpRequest, kind: str) -> HttpResponse:
    """Give all rows of today as JSON or CSV."""
    if kind not in ("json", "csv"):
        raise Http404
    found = _today_on_all().rows
    shares = board.shares(row.service.id for row in found)
    plain = [_plain(row, shares.get(row.service.id, NO_CASE)) for row in found]
    if kind == "json":
        whole = {"nation": nation.current().id, "day": _today().isoformat(), "stages": plain}
        return JsonResponse(whole, json_dumps_params={"ensure_ascii": False})
    return HttpResponse(_csv(plain), content_type="text/csv; charset=utf-8")


def _today() -> date:
    return nation.current().today()


def _scales(chosen: str) -> list[Scale]:
    """Return the scale that was chosen, or all that are in force."""
    found = procedures.scales()
    return [one for one in found if one.id == chosen] or [one for one in found if one.in_force(_today())]


def _today_on_all() -> Board:
    return board.board(_today(), _scales(""), get_language() or "en")


def _filtered(found: Sequence[Row], typed: Mapping[str, str], on: date) -> Sequence[Row]:
    """Return the rows that were asked for."""
    if typed["q"]:
        named = {one.service.id for one in procedures.search(typed["q"], get_language() or "en", on)}
        found = [row for row in found if row.service.id in named or typed["q"] in (row.service.code, row.service.id)]
    if typed["level"]:
        found = [row for row in found if f"{row.standing.scale.id}:{row.standing.level}" == typed["level"]]
    if typed["proof"]:
        found = [row for row in found if (row.run is not None) == (typed["proof"] == "yes")]
    return found


def _conditions(needs: Sequence[str]) -> list[str]:
    return [_(CONDITIONS[word]) for word in needs]


def _fault(fault: Sequence[str]) -> str:
    what, part = fault
    return _(FAULTS[what]).format(part=part)


def _plain(row: Row, share: Share) -> dict[str, Any]:
    """Return a row for JSON: levels count from 1, 0 is below the lowest; ``proved`` is null where no run passed."""
    language, standing, service = get_language() or "en", row.standing, row.service
    return {
        "service": service.id,
        "code": service.code,
        "title": pick(service.title, language),
        "version": service.version,
        "digest": row.digest,
        "scale": standing.scale.id,
        "law": pick(standing.scale.law.text, language),
        "illustrative": sorted(standing.scale.illustrative),
        "level": standing.level,
        "levels": len(standing.scale.levels),
        "name": pick(standing.name, language),
        "reasons": [_reason(one) for one in standing.reasons],
        "proved": _proof(row, language),
        "earlier_definition_proved": row.earlier,
        "achieved": {"without_visit": share.away, "ended": share.ended},
    }


def _reason(reason: Reason) -> dict[str, str]:
    return {"condition": reason.condition, "part": reason.part, "text": procedures.reason_text(reason)}


def _proof(row: Row, language: str) -> dict[str, Any] | None:
    run = row.run
    if run is None or run.ended_at is None:
        return None
    return {
        "level": row.proved,
        "name": pick(row.proved_name, language),
        "case": run.case,
        "ended": run.ended_at.isoformat(),
        "entry": run.entry,
        "shown": run.shown,
        "unshown": list(row.unshown),
        "results": sorted(row.results),
    }


def _csv(plain: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in plain:
        proof = row["proved"] or {"level": "", "case": "", "ended": ""}
        achieved = row["achieved"]
        writer.writerow([
            *(row[name] for name in COLUMNS[:8]),
            proof["level"], proof["case"], proof["ended"], achieved["without_visit"], achieved["ended"],
        ])  # fmt: skip
    return text.getvalue()
