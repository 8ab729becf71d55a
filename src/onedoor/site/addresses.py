"""Addresses of named routes, each worked out once for a language."""

from functools import lru_cache

from django.conf import settings
from django.urls import get_urlconf, reverse
from django.utils.translation import get_language


def of(name: str, *args: str) -> str:
    """Return the address of a named route in the present language; raise ``NoReverseMatch``."""
    return _of(get_urlconf() or settings.ROOT_URLCONF, get_language() or "", name, args)


@lru_cache(maxsize=4096)
def _of(urlconf: str, _language: str, name: str, args: tuple[str, ...]) -> str:
    return reverse(name, urlconf=urlconf, args=args or None)
