"""How the own gateway works, for who operates it: traffic, durations, faults, batches, ends, room for the log."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.exchange import domain
from onedoor.exchange import service as exchange
from onedoor.exchange.pages import plots
from onedoor.exchange.pages.plots import Line
from onedoor.kernel import nation
from onedoor.kernel.access import OFFICER, access, acting
from onedoor.kernel.errors import NotAllowed, NotFound
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import Text, gettext_noop

PERIODS = {
    "hour": (3600, gettext_noop("Last hour")),
    "day": (86_400, gettext_noop("Last day")),
    "week": (604_800, gettext_noop("Last week")),
    "month": (2_678_400, gettext_noop("Last month")),
}
SIDES = {"Client": gettext_noop("Asked from here"), "Producer": gettext_noop("Answered here")}
SOON, NOW = 30.0, 7.0
"""Days before its end in which a certificate is to be renewed, and in which it must be."""
COLUMNS = {
    "series": ("start", "count", "faults", "errors", "asked", "answered", "p50", "p95", "p99"),
    "services": ("side", "name", "count", "faults", "errors", "asked", "answered", "p50", "p95", "p99"),
    "clients": ("side", "name", "count", "faults", "errors", "asked", "answered", "p50", "p95", "p99"),
    "faults": ("type", "count"),
    "batches": ("most", "count", "messages"),
}
"""What each table holds as CSV: moments in UTC, durations in milliseconds, sizes in bytes."""
COLOURS = {"p50": "var(--action)", "p95": "var(--wait)", "p99": "var(--bad)"}
SHOWN = 25
"""Rows of a table on the page; the file has all."""


@access(OFFICER)
@require_safe
def operation(request: HttpRequest) -> HttpResponse:
    """Show how the gateway of the own member works."""
    period, told = _told(request)
    total = {name: sum(one[name] for one in told["series"]) for name in ("count", "faults", "errors")}
    context = {
        "told": told,
        "total": total,
        "period": period,
        "periods": [(name, text) for name, (_seconds, text) in PERIODS.items()],
        "sides": SIDES,
        "shown": SHOWN,
        "began": datetime.fromtimestamp(told["began"] / 1000, UTC),
        "ends": datetime.fromtimestamp(told["configuration"]["ends"], UTC) if told["configuration"] else None,
        "certificates": [_certificate(one) for one in told["certificates"]],
        "moment_of": lambda second: datetime.fromtimestamp(second, UTC),
        "named": _named,
        "share": plots.share(1 - told["log"]["free"] / told["log"]["total"]),
        "filled": round(100 - 100 * told["log"]["free"] / told["log"]["total"]),
        **_plots(told),
    }
    return render(request, "exchange/operation.html", context)


@access(OFFICER)
@require_safe
def export(request: HttpRequest, table: str) -> HttpResponse:
    """Give a table as CSV."""
    if table not in COLUMNS:
        raise NotFound
    period, told = _told(request)
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS[table], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(_row(one) for one in told[table])
    name = f"operation-{settings().member}-{table}-{period}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _told(request: HttpRequest) -> tuple[str, Mapping[str, Any]]:
    """Return the period that is asked for and what the gateway tells of it; raise `NotAllowed`."""
    if not domain.watches(acting(request)):
        raise NotAllowed
    period = request.GET.get("period", "day")
    if period not in PERIODS:
        raise NotFound
    owner = settings().subsystem.rpartition("/")[0]
    return period, exchange.own_gateway(f"/operations?period={PERIODS[period][0]}", client=owner)


def _row(one: Mapping[str, Any]) -> Mapping[str, Any]:
    if "start" not in one:
        return one
    return {**one, "start": datetime.fromtimestamp(one["start"], UTC).isoformat().replace("+00:00", "Z")}


def _certificate(one: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a certificate with the day it ends and how near that is."""
    names = {
        "outer": _("TLS towards other gateways"),
        "inner": _("TLS towards own systems"),
        "signing": _("Signatures of messages"),
    }
    days = one["days"]
    state = "bad" if days < NOW else "wait" if days < SOON else "ok"
    ends = datetime.now(UTC) + timedelta(days=days)
    return {"name": names.get(one["name"], one["name"]), "days": int(max(days, 0)), "state": state, "ends": ends}


def _named(name: str) -> Text | str:
    """Return what the nation calls who stands in an identifier of a service or a member; its code if it knows none."""
    parts = name.split("/")
    members = nation.current().members.values()
    known = {one.subsystem.rpartition("/")[0]: one.name for one in members}
    return known.get("/".join(parts[:3]), parts[2] if len(parts) > 2 else "")  # noqa: PLR2004 - the member's code


def _plots(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the plots show: counts, faults, and a line for each percentile; the page writes numbers and times."""
    series: Sequence[Mapping[str, Any]] = told["series"]
    several = [(name, [one[name] for one in series], colour) for name, colour in COLOURS.items()]
    return {
        "plots": plots,
        "counts": [one["count"] for one in series],
        "faults": [one["faults"] for one in series],
        "most": max([one["count"] for one in series] + [1]),
        "percentiles": [Line(*one) for one in several],
        "slowest": max([one["p99"] or 0 for one in series] + [1]),
        "largest": max([one["count"] for one in told["batches"]] + [1]),
    }
