"""Django's handler of requests; where an address leads is worked out once for those that were asked lately."""

from functools import lru_cache

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch, get_resolver
from django.utils.translation import get_language

MOST = 1024


class Handler(WSGIHandler):
    """A handler that keeps where the last addresses led: the routes of a process do not change."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Return where the address of *request* leads; raise `Resolver404`."""
        request.resolver_match = found = _leads(get_language(), request.path_info)
        return found


@lru_cache(MOST)
def _leads(language: str | None, path: str) -> ResolverMatch:  # noqa: ARG001 - the prefix of a language is of the present one
    return get_resolver().resolve(path)
