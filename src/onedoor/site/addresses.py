"""Addresses of named routes, each worked out once for a language."""

from functools import lru_cache

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, override


def of(name: str, *args: str) -> str:
    """Return the address of a named route in the present language; raise ``NoReverseMatch``."""
    return within(get_language() or "", name, *args)


def within(language: str, name: str, *args: str) -> str:
    """Return the address of a named route in *language*; raise ``NoReverseMatch``."""
    return _within(settings.ROOT_URLCONF, language, name, args)


@lru_cache(maxsize=4096)
def _within(urlconf: str, language: str, name: str, args: tuple[str, ...]) -> str:
    with override(language or None):
        return reverse(name, urlconf=urlconf, args=args or None)
