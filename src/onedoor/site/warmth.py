"""What the first request should not wait for, done when a process starts: files read, pages compiled, seals at hand."""

import gc
import threading
import time
from importlib import import_module

import structlog
from django.template import engines
from django.urls import get_resolver
from django.utils import translation

from onedoor.kernel import nation
from onedoor.kernel.settings import current

EMBEDDING = "onedoor.signing.embedding"
COMMON = ("layout.html", "look/basics.html", "error.html")
THRESHOLDS = (10_000, 20, 20)
"""New objects before garbage is looked for: more than a page makes, so that most pages end before it is."""
log = structlog.get_logger("onedoor.warmth")


def begin(*, pages: bool) -> None:
    """Read the nation's files; while requests are served already, make the templates (*pages*) and load what seals."""
    from onedoor.procedures import service as procedures

    started = time.perf_counter()
    here = nation.current()
    for kind in ("service", "right", "register"):
        here.documents(kind)
    steps = [step for service in procedures.services(here.today()) for step in service.steps.values()]
    own = {agency.kind for agency in here.agencies.values() if agency.member == current().member}
    seals = current().role == "node" and any(step.issues and step.agency_kind in own for step in steps)

    def rest() -> None:
        if seals:
            import_module(EMBEDDING)  # it brings in pyHanko
        if pages:
            _pages(here.languages[0])
        _settle()
        log.info("warm", milliseconds=round(1000 * (time.perf_counter() - started)))

    threading.Thread(target=rest, name="warmth", daemon=True).start()


def _settle() -> None:
    """Keep what was read from being looked through again: no search for garbage goes over the nation's files."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def _pages(language: str) -> None:
    """Compile what every page is made of; the page itself is compiled when it is first asked for."""
    backend = next(iter(engines.all()))
    with translation.override(language):
        get_resolver().reverse_dict  # noqa: B018 - made when it is looked at
        for name in COMMON:
            backend.get_template(name)
