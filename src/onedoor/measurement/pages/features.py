"""Which features of the Online Service Index this portal has, each with its evidence: probed, never typed in."""

import threading
from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from onedoor.kernel import clock, nation
from onedoor.kernel.access import PUBLIC, access
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import fold, gettext_noop, pick
from onedoor.measurement import features, inside, probes
from onedoor.measurement.board import last_passed
from onedoor.measurement.features import FeatureList
from onedoor.measurement.pages import kept
from onedoor.measurement.portal import Portal
from onedoor.measurement.probes import Finding

KNOWN_FOR = 600
"""Seconds that what was found is shown: nobody makes the portal probe itself more often."""
LONGEST, A_PAGE = 200, 25
STATES = {
    probes.PRESENT: gettext_noop("Present"),
    probes.ABSENT: gettext_noop("Not present"),
    probes.WAITING: gettext_noop("Not checkable yet"),
    probes.UNPROBED: gettext_noop("No probe"),
}
MODULES = {
    "IF": gettext_noop("Institutional framework"),
    "CP": gettext_noop("Content provision"),
    "SP": gettext_noop("Services provision"),
    "EP": gettext_noop("E-participation"),
    "TEC": gettext_noop("Technology"),
    "EGL": gettext_noop("E-government literacy"),
}
_one_at_a_time = threading.Lock()
_probing = ContextVar("probing", default=False)
"""Whether the portal visits itself in this very request: then this page stands empty, or it would wait for itself."""


@access(PUBLIC)
@require_safe
def index_features(request: HttpRequest) -> HttpResponse:
    """Show every code of the list with what its probe found, searched and filtered."""
    typed = {name: " ".join(request.GET.get(name, "").split())[:LONGEST] for name in ("q", "state", "module")}
    listed, run = features.load(features.WORLD), last_passed()
    number = Paginator(listed.all, A_PAGE).get_page(request.GET.get("page")).number
    every = _findings(run)

    def context() -> Mapping[str, Any]:
        asked = fold(typed["q"])
        fitting = [one for one in every if _fits(one, asked, typed)]
        return {
            "title": _("Features of the Online Service Index"),
            "whole": bool(every),
            "list": listed,
            "typed": typed,
            "query": "".join(f"&{urlencode({name: value})}" for name, value in typed.items() if value),
            "rows": Paginator(fitting, A_PAGE).get_page(number),
            "counted": Counter(one.state for one in every),
            "all": len(every),
            "states": STATES,
            "modules": MODULES,
            "why": why,
        }

    key = nation.current().path, _spell(), run, *typed.values(), number
    return kept.page(request, "measurement/features.html", key, context)


@access(PUBLIC)
@require_safe
def features_json(_request: HttpRequest) -> HttpResponse:
    """Give what was found of every code as JSON."""
    listed, every = features.load(features.WORLD), _findings(last_passed())
    plain = {"features": listed.id, "source": pick(listed.source, get_language() or "en")}
    return JsonResponse(plain | {"codes": [_plain(one) for one in every]}, json_dumps_params={"ensure_ascii": False})


def why(found: Finding) -> str:
    """Return in words what the probe of a code found."""
    return _(probes.WHYS[found.why]).format(**found.facts)


def _fits(found: Finding, asked: str, typed: dict[str, str]) -> bool:
    wanted = typed["state"] in ("", found.state) and typed["module"] in ("", found.feature.module)
    return wanted and (not asked or asked in fold(f"{found.feature.code} {_name(found)}"))


def _name(found: Finding) -> str:
    return pick(found.feature.name, get_language() or "en")


def _findings(run: str) -> tuple[Finding, ...]:
    """Return what was found in the last minutes, of this nation's files and since the last *run*.

    What has a probe stands before what has none; else the order is that of the list.
    """
    if _probing.get():
        return ()
    with _one_at_a_time:
        return _found(get_language() or "en", str(nation.current().path), _spell(), run)


def _spell() -> int:
    return int(clock.now().timestamp() // KNOWN_FOR)


@lru_cache(maxsize=8)
def _found(language: str, _files: str, _spell: int, _run: str) -> tuple[Finding, ...]:
    listed: FeatureList = features.load(features.WORLD)
    portal = Portal(inside.ask, settings().public_url, language, nation.current().today())
    token = _probing.set(True)
    try:
        found = probes.check(listed, features.evidence(nation.current(), listed.id), portal)
    finally:
        _probing.reset(token)
    return tuple(sorted(found, key=lambda one: probes.STATES.index(one.state)))


def _plain(found: Finding) -> dict[str, Any]:
    feature = found.feature
    return {
        "code": feature.code,
        "module": feature.module,
        "name": _name(found),
        "state": found.state,
        "why": why(found),
        "evidence": list(found.evidence),
    }
