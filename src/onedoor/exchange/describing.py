"""How a service of this system describes itself to the exchange: its OpenAPI document, titled in every language."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext, override
from django.views.decorators.http import require_GET

from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.openapi import NAMES
from onedoor.kernel.text import Text


def description(make: Callable[[], Mapping[str, Any]]) -> Callable[[HttpRequest], JsonResponse]:
    """Return the view that answers what *make* returns; its title, a gettext key, stands in every language besides."""

    def openapi(_request: HttpRequest) -> JsonResponse:
        """Answer the description of this service."""
        document = make()
        info = document["info"]
        return JsonResponse({**document, "info": {**info, NAMES: _names(info["title"])}})

    return access(GATEWAY)(require_GET(openapi))


def _names(title: str) -> Text:
    found = {}
    for language, _ in settings.LANGUAGES:
        with override(language):
            found[language] = gettext(title)
    return found
