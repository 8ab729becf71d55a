"""The routes of this process: those of the rooms its role installs.

A room's ``urls.py`` holds ``urlpatterns``: with an ``app_name`` they are pages below the language (``/vi/…``), without
one they stand as they are. It may also hold ``exchange``, mounted at ``/exchange/``, ``plain``, mounted at ``/``, and
``described``: what ``plain`` answers, as paths of an OpenAPI document.
"""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from onedoor.kernel.settings import current
from onedoor.site import errors, ledgers, static, views
from onedoor.site.routes import Pages

Route = URLPattern | URLResolver


def modules() -> Iterator[ModuleType]:
    """Yield the ``urls`` of every room of this process that has one."""
    for app in apps.get_app_configs():
        name = f"{app.name}.urls"
        if app.name.startswith("onedoor.") and app.name != "onedoor.site" and find_spec(name):
            yield import_module(name)


def _pages(module: ModuleType) -> list[Route]:
    if not hasattr(module, "app_name"):
        return []
    return [path("", include((module.urlpatterns, module.app_name)))]


def _plain(module: ModuleType) -> list[Route]:
    bare = [] if hasattr(module, "app_name") else list(getattr(module, "urlpatterns", []))
    exchange = list(getattr(module, "exchange", []))
    mounted: list[Route] = [path("exchange/", include(exchange))] if exchange else []
    return [*bare, *getattr(module, "plain", []), *mounted]


_rooms = list(modules())
_front = [path("", views.front)] if current().role == "node" else []
"""A node's first page in a language is its desk; the portal has one of its own."""
urlpatterns: list[Route] = [
    Pages([*(route for room in _rooms for route in _pages(room)), *_front]),
    path("", views.front, name="front"),
    path("health", views.health, name="health"),
    path("health/empty", views.empty, name="empty"),
    path("api/ledger", views.ledger, name="ledger"),
    path("ledger/<path:name>", ledgers.serve, name="published"),
    path("api/openapi.json", views.openapi, name="openapi"),
    path("static/<path:name>", static.serve, name="static"),
    *(route for room in _rooms for route in _plain(room)),
]
handler400 = errors.refused
handler403 = errors.refused
handler404 = errors.refused
handler500 = errors.broken
