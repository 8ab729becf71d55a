"""What stands around every view: a request id, security headers, who acts, and the access rule of the route."""

import time
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from onedoor.exchange import service as exchange
from onedoor.kernel import nation
from onedoor.kernel.access import GATEWAY, Access
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.kernel.errors import NotAllowed, NotFound, NotText, OnedoorError
from onedoor.kernel.watch import spans, trace
from onedoor.kernel.watch.trace import Trace
from onedoor.site import errors, watching
from onedoor.store import rows
from onedoor.store.rows import Statement

Next = Callable[[HttpRequest], HttpResponseBase]

VIA_GATEWAY = "onedoor.gateway"
"""Key of ``request.META`` set by the mutual TLS listener alone: no header can have such a name."""
NUL = "\0"
DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
"""What a page may load and where it may send: this site, and nothing inline."""
CONTENT_POLICY = "; ".join(f"{name} {value}" for name, value in DIRECTIVES.items())
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
log = structlog.get_logger("onedoor.requests")


class NoAccessRule(NotAllowed):
    """This page is not open to anybody. Please tell the agency in charge."""


def requests(get_response: Next) -> Next:
    """Give every request its id and one version of the nation, count it, and log it without its address.

    An address may name a case. The id is made here; only from the own gateway, over mutual TLS, comes the id of the
    request that it is part of.
    """

    def handle(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        received = trace.read(request.META.get("HTTP_TRACEPARENT", "")) if request.META.get(VIA_GATEWAY) else None
        with trace.within(spans.enter(received)) as here:
            return answer(request, here, received, started)

    def answer(request: HttpRequest, here: Trace, received: Trace | None, started: float) -> HttpResponseBase:
        request.id = here.id  # type: ignore[attr-defined]
        exchange.start_waiting()
        with nation.hold():
            response = get_response(request)
        seconds = watching.answered(request, response, here, received, started)
        response.headers["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        if waited := exchange.waited():
            response.headers["Server-Timing"] = f"agencies;dur={1000 * waited:.2f}"
        match = request.resolver_match
        log.info(
            "request",
            request=here.id,
            method=request.method,
            route=match.route if match else "",
            status=response.status_code,
            milliseconds=round(1000 * seconds, 1),
        )
        return response

    return handle


def headers(get_response: Next) -> Next:
    """Add the security headers that a view did not set itself; pages of somebody signed in are not stored."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.SESSION_COOKIE_SECURE:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "no-store")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Cookie"])  # every page's head says whether somebody is signed in
        return response

    return handle


class Doorkeeper:
    """Fills ``request.actor``, lets through whom the route's rule admits, and turns errors into answers."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer *request*."""
        request.actor = NOBODY  # type: ignore[attr-defined]
        with rows.apart():
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _arguments: object, parts: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Refuse who may not take this route; a view without a rule is refused to everybody."""
        try:
            rule = getattr(view, "access", None)
            if not isinstance(rule, Access):
                raise NoAccessRule
            if rule != GATEWAY:
                first = getattr(view, "first_asked", None)
                request.actor = actor_of(request, first(**parts) if first else None)  # type: ignore[attr-defined]
            rule.check(request.actor, gateway=bool(request.META.get(VIA_GATEWAY)))  # type: ignore[attr-defined]
            if rule != GATEWAY:
                _must_be_text(request)
        except (OnedoorError, *errors.MALFORMED) as error:
            return errors.answer(request, error)
        # Another system has no form and no cookie: its certificate was checked instead.
        request.csrf_processing_done = rule == GATEWAY  # type: ignore[attr-defined]
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer an error of a view in the reader's language."""
        return errors.answer(request, error)


def _must_be_text(request: HttpRequest) -> None:
    """Raise `NotFound` or `NotText` when an address or a form holds NUL, which no database and no agency takes."""
    if NUL in request.path_info:
        raise NotFound
    said = chain.from_iterable((name, *map(str, values)) for name, values in request.POST.lists())
    if any(NUL in text for text in said):
        raise NotText


def actor_of(request: HttpRequest, ahead: Statement | None = None) -> Actor:
    """Return who acts by the session; without a session cookie nobody does and no database is asked.

    What the page asks *ahead* comes in the same round trip.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return NOBODY
    from onedoor.identity import service as identity

    return identity.actor_of(request, ahead)
