"""Errors as answers: a page in the reader's language, or a problem document (RFC 9457) for who asks for JSON."""

from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError as DatabaseAway
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    JsonResponse,
    UnreadablePostError,
)
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import NoReverseMatch, is_valid_path, reverse
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes
from django.utils.translation import gettext
from psycopg_pool import PoolTimeout

from onedoor.kernel.errors import (
    BadInput,
    NotAllowed,
    NotFound,
    OnedoorError,
    SignInNeeded,
    TooLarge,
    Unavailable,
    status_of,
)
from onedoor.kernel.said import said
from onedoor.site.dates import language

MALFORMED = (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError)
"""What Django raises for a request that is none, or breaks off."""
log = structlog.get_logger("onedoor.errors")


class FormTooOld(BadInput):
    """This form was open too long or was sent from another site. Please go back, load the page again and send it."""


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the answer to *request* that says what went wrong, with nothing of the program in it."""
    ours = _ours(error)
    status = status_of(ours)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("failed", request=_id(request), exc_info=error)
    if wants_json(request):
        return _problem(request, ours, status)
    if isinstance(ours, SignInNeeded) and request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(f"{_sign_in()}?{urlencode({'next': request.get_full_path()})}")
    text = ours.text(gettext, language())
    try:
        page = {"status": status, "text": text, "request_id": _id(request)}
        return render(request, "error.html", page, status=status)
    except Exception as broken:  # the page that says so must not break itself
        log.exception("the error page failed", request=_id(request), exc_info=broken)
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def wants_json(request: HttpRequest) -> bool:
    """Return whether *request* is of a program: another system, or one that prefers JSON to HTML."""
    if request.path.startswith(("/exchange/", "/health", "/api/")):
        return True
    return request.get_preferred_type(["text/html", "application/json", "application/problem+json"]) not in (
        "text/html",
        None,
    )


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that reached no view; where a slash at the end is all that differs, lead to the page."""
    other = request.path_info.removesuffix("/") if request.path_info.endswith("/") else f"{request.path_info}/"
    if request.method in ("GET", "HEAD") and isinstance(exception, Http404) and is_valid_path(other):
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(escape_leading_slashes(f"{escape_uri_path(other)}{query and '?'}{query}"))
    return answer(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer when something outside the views failed (Django logged it)."""
    return answer(request, OnedoorError())


def forgery(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer a form without its token."""
    return answer(request, FormTooOld(what=""))


def _ours(error: Exception) -> OnedoorError:
    if isinstance(error, OnedoorError):
        return error
    if isinstance(error, DatabaseAway | PoolTimeout):
        return Unavailable(who=gettext("The database of this system"))
    if isinstance(error, RequestDataTooBig):
        return TooLarge(limit=said("{n} MB", n=8))
    if isinstance(error, MALFORMED):
        return BadInput(what=gettext("the request is malformed"))
    plain = {Http404: NotFound, PermissionDenied: NotAllowed}
    return next((ours() for kind, ours in plain.items() if isinstance(error, kind)), OnedoorError())


def _problem(request: HttpRequest, error: OnedoorError, status: int) -> JsonResponse:
    body = {
        "type": f"urn:onedoor:error:{type(error).__name__}",
        "title": error.text(gettext, language()),
        "status": status,
        "instance": f"urn:onedoor:request:{_id(request)}",
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _id(request: HttpRequest) -> str:
    return str(getattr(request, "id", ""))


def _sign_in() -> str:
    try:
        return reverse("identity:sign-in")
    except NoReverseMatch:
        return "/"
