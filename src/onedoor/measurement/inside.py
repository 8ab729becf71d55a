"""Asks this portal's own addresses as a stranger would, within the process: the same routes, middleware and answers."""

import io
from collections.abc import Iterable
from contextvars import copy_context
from functools import cache
from typing import cast
from urllib.parse import unquote, urlsplit

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.utils import translation

from onedoor.kernel.settings import current as settings
from onedoor.measurement.portal import Answer


@cache
def _handler() -> BaseHandler:
    handler = BaseHandler()
    handler.load_middleware()
    return handler


def ask(path: str) -> Answer:
    """Return what *path* answers to somebody who did not sign in; what it sets for its own request stays there."""
    with translation.override(translation.get_language()):
        return copy_context().run(_asked, path)


def _asked(path: str) -> Answer:
    response = _handler().get_response(_request(path))
    try:
        content = b"".join(cast("Iterable[bytes]", response))
    finally:
        # Its files alone: to close it whole would end the request around it, and with that its database connection.
        for close in response._resource_closers:  # type: ignore[attr-defined]
            close()
    media = response.headers.get("Content-Type", "").partition(";")[0]
    return Answer(response.status_code, media, content, response.headers.get("Location", ""))


def _request(path: str) -> WSGIRequest:
    here, asked = urlsplit(settings().public_url), urlsplit(path)
    return WSGIRequest({
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote(asked.path),
        "QUERY_STRING": asked.query,
        "SERVER_NAME": here.hostname or "localhost",
        "SERVER_PORT": str(here.port or 80),
        "HTTP_HOST": here.netloc or "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": here.scheme or "http",
        "wsgi.input": io.BytesIO(),
    })  # fmt: skip
