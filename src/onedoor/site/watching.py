"""What a process with Django tells who watches it: requests by route, its database, its certificates, its health."""

import time
from collections.abc import Iterator
from functools import cache, partial

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from onedoor.kernel.said import said
from onedoor.kernel.settings import Settings
from onedoor.kernel.text import gettext_noop
from onedoor.kernel.watch import health, listener, metrics, spans
from onedoor.kernel.watch.health import Dependency, Failing
from onedoor.kernel.watch.metrics import Measure
from onedoor.kernel.watch.trace import Trace
from onedoor.signing import ends, holders
from onedoor.store import keys, measures

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
SYSTEMS = "portal-web, portal-worker, node"
NOWHERE = "none"
LEDGER_LAG = 60.0
"""Seconds an entry may wait for its place in the ledger: this is done every second."""
_requests = metrics.counter(
    "onedoor_requests_total",
    "Requests by method, pattern of the route and status; route `none`: no such address.",
    ("method", "route", "status"),
    SYSTEMS,
)
_seconds = metrics.histogram("onedoor_request_seconds", "From the request to its answer.", ("method", "route"), SYSTEMS)


def answered(
    request: HttpRequest, response: HttpResponseBase, here: Trace, received: Trace | None, started: float
) -> float:
    """Count a request that is answered, and keep its span; return the seconds it took (*started*: perf_counter)."""
    seconds = time.perf_counter() - started
    match = request.resolver_match
    method, route = request.method or "", match.route if match else NOWHERE
    count, duration = _cells(method if method in METHODS else "other", route, response.status_code)
    count.inc()
    duration.observe(seconds)
    facts: dict[str, str | int] = {"http.request.method": method, "http.response.status_code": response.status_code}
    name = f"{method} {pattern(route)}" if method in METHODS else "other"
    spans.leave(here, received, name, spans.SERVER, seconds, failed=response.status_code >= 500, **facts)  # noqa: PLR2004
    return seconds


@cache
def _cells(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts such requests; routes, methods and statuses are few."""
    named = pattern(route)
    return _requests.labels(method, named, status), _seconds.labels(method, named)


@cache
def pattern(route: str) -> str:
    """Return a route's pattern, the same for every language."""
    language, slash, rest = route.partition("/")
    spoken = {code for code, _ in django_settings.LANGUAGES}
    return f"<language>/{rest}" if slash and language in spoken else route


def begin(settings: Settings, process: str, *, whole: bool) -> None:
    """Let this *process* be watched; the one that has the jobs tells the *whole* database."""
    spans.begin(settings, process)
    metrics.scraped.sources.append(partial(measures.measures, whole=whole))
    metrics.scraped.sources.append(partial(certificates, settings))
    listener.begin(settings, health_of(settings, whole=whole))


def health_of(settings: Settings, *, whole: bool) -> health.Health:
    """Return what a system depends on: without its database nothing goes; without its gateway only some things."""
    gateway = settings.gateway_url.partition("://")[2].rstrip("/")
    found = [
        Dependency(gettext_noop("database"), measures.answers),
        Dependency(gettext_noop("keys"), _keys, needed=False),
    ]
    if gateway:
        found.append(Dependency(gettext_noop("gateway"), lambda: health.answers(gateway), needed=False))
    if whole:
        found.append(Dependency(gettext_noop("ledger"), _ledger, needed=False))
    return health.Health(settings.role, settings.member, tuple(found))


def certificates(settings: Settings) -> Iterator[Measure]:
    """Yield how long the certificates of this system last; of the seals, the one that ends first."""
    for _, days in ends.days_left([settings.tls_cert] if settings.tls_cert else []):
        yield Measure(ends.METRIC, days, ("tls",))
    folder = settings.state / "seals"
    seals = [folder / f"{agency}.pem" for agency in holders.agencies(folder)]
    if seals:
        yield Measure(ends.METRIC, min(days for _, days in ends.days_left(seals)), ("seals",))


def _keys() -> None:
    try:
        keys.blind_key()
    except keys.BlindKeyMissing as error:
        raise Failing(
            said("keys/blind is missing, so nobody is found and no read recorded; put it back from the archive of keys")
        ) from error


def _ledger() -> None:
    *_, lag = measures.ask(measures.LEDGER)
    if float(lag) > LEDGER_LAG:
        raise Failing(said("entries of the ledger wait for their place"))
