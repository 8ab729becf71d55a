"""The pages below a language, found by the first part of their address: Django tries one route after another."""

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeGuard

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import LocalePrefixPattern, RoutePattern

Route = URLPattern | URLResolver
ANY = "*"
"""Stands for the first part of all addresses whose first part no route names."""


class Pages(URLResolver):
    """Those of *routes*, below the language, are tried for an address that may begin as it does; reversed are all."""

    def __init__(self, routes: Sequence[Route]) -> None:
        super().__init__(LocalePrefixPattern(), list(routes))
        self._beginning = lru_cache(maxsize=None)(self._narrowed)

    def resolve(self, path: Any) -> ResolverMatch:  # noqa: ANN401 - Django's signature
        """Return what answers at *path* (``vi/cases/…``); raise `Resolver404`."""
        first = str(path).partition("/")[2].partition("/")[0]
        return self._beginning(first if first in self._named else ANY).resolve(path)

    @cached_property
    def _named(self) -> set[str]:
        """The first parts that routes name whole."""
        return set(_named(self.url_patterns))

    def _narrowed(self, first: str) -> URLResolver:
        return URLResolver(self.pattern, _those(self.url_patterns, first))


def _named(routes: Sequence[Route]) -> Iterator[str]:
    for route in routes:
        if _is_room(route):
            yield from _named(route.url_patterns)
        elif (first := _first(route))[1]:
            yield first[0]


def _those(routes: Sequence[Route], first: str) -> list[Route]:
    """Return, in their order, the *routes* of addresses that begin with *first*, those of a room in a room."""
    found: list[Route] = []
    for route in routes:
        if not _is_room(route):
            found += [route] if _may_begin(route, first) else []
        elif some := _those(route.url_patterns, first):
            found.append(URLResolver(route.pattern, some, route.default_kwargs, route.app_name, route.namespace))
    return found


def _is_room(route: Route) -> TypeGuard[URLResolver]:
    return isinstance(route, URLResolver) and not str(route.pattern)


def _may_begin(route: Route, first: str) -> bool:
    begins, whole = _first(route)
    return begins == first if whole else first == ANY or first.startswith(begins)


def _first(route: Route) -> tuple[str, bool]:
    """Return how the first part of the addresses of *route* begins, and whether that is the whole part."""
    if not isinstance(route.pattern, RoutePattern):
        return "", False
    first, slash, _rest = str(route.pattern).partition("/")
    begins, variable, _name = first.partition("<")
    return begins, not variable and (bool(slash) or isinstance(route, URLPattern))
