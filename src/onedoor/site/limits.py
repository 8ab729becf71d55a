"""How large a request may be: said before a byte of it is kept anywhere."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from onedoor.kernel.errors import TooLarge
from onedoor.kernel.said import said
from onedoor.site import errors

LARGEST = 16 * 2**20
"""Bytes of a request's body: the largest files a service asks for, and room for what stands around them."""
DIGITS = 12


def bodies(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse a body that is too large; one that does not say its length is not read at all."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if length.isdecimal() and (len(length) > DIGITS or int(length) > LARGEST):
            return errors.answer(request, TooLarge(limit=said("{n} MB", n=LARGEST // 2**20)))
        return get_response(request)

    return handle
