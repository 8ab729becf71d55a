"""Who asks when a proxy stands in front: its word counts when it comes from the proxy itself, nobody else's does."""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

FORWARDED = "HTTP_X_FORWARDED_FOR"


def addresses(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Put the address of who asked a known proxy in the place of the proxy's; what others claim is dropped."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        claimed = request.META.pop(FORWARDED, "")
        if claimed and request.META.get("REMOTE_ADDR") in settings.PROXIES:
            request.META["REMOTE_ADDR"] = _last(claimed) or request.META["REMOTE_ADDR"]
        return get_response(request)

    return handle


def _last(claimed: str) -> str:
    """Return the address that the proxy itself saw, which it writes last; nothing when it is none."""
    try:
        return str(ip_address(claimed.rpartition(",")[2].strip()))
    except ValueError:
        return ""
