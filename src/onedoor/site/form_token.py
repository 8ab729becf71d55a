"""The hidden field that shows that a form is ours, as Django checks it: its secret under a mask new for each page."""

import os
from functools import cached_property
from operator import add

from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token
from markupsafe import Markup

FIELD = '<input type="hidden" name="csrfmiddlewaretoken" value="%s">'
MANY = len(CSRF_ALLOWED_CHARS)
_FAIR = 256 // MANY * MANY
"""Of a random byte below this every sign comes equally often; others are thrown away."""
_NUMBERS = bytes(byte % MANY for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))
_SIGNS = "".join(CSRF_ALLOWED_CHARS[number] for number in _NUMBERS).encode()
_NUMBER_OF = bytes(max(CSRF_ALLOWED_CHARS.find(chr(byte)), 0) for byte in range(256))


class FormToken:
    """The field of one page: made when the page has a form, once for all its forms."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def _field(self) -> Markup:
        secret = self.request.META.get("CSRF_COOKIE")
        token = masked(secret) if secret else get_token(self.request)  # who has no cookie yet gets one
        return Markup(FIELD % token)  # noqa: S704 (letters and digits)

    def __html__(self) -> str:
        return self._field


def masked(secret: str) -> str:
    """Return a random mask and *secret* added to it, 32 letters and digits each; Django's own takes six times as long.

    Who has the cookie keeps it as it is: Django would send it with each form, to begin its year anew.
    """
    mask = b""
    while len(mask) < CSRF_SECRET_LENGTH:
        mask += os.urandom(2 * CSRF_SECRET_LENGTH).translate(_NUMBERS, _UNFAIR)
    mask = mask[:CSRF_SECRET_LENGTH]
    sums = bytes(map(add, secret.encode().translate(_NUMBER_OF), mask))
    return (mask + sums).translate(_SIGNS).decode()


def form_token(request: HttpRequest) -> dict[str, object]:
    """Return what Django would make anew for every form of a page."""
    return {"csrf_input": FormToken(request)}
