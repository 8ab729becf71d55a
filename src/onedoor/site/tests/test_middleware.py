"""What stands around every view: rules of access, headers, ids, errors without a trace of the program."""

import json
import logging

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from onedoor.kernel.access import GATEWAY, OFFICER, PERSON, PUBLIC, access
from onedoor.kernel.errors import Conflict, TooLarge
from onedoor.site import errors, logs
from onedoor.site.middleware import VIA_GATEWAY


def answer(request):
    return HttpResponse(f"ok {request.actor.person or 'nobody'}")


def opened(rule):
    @access(rule)
    def view(request):
        return answer(request)

    return view


@access(PUBLIC)
def conflict(request):
    raise Conflict


@access(PUBLIC)
def large(request):
    raise TooLarge(limit="8 MB")


@access(PUBLIC)
def broken(request):
    raise ValueError("Nguyễn Thị Đào 001099000001")


urlpatterns = [
    path("open", opened(PUBLIC)),
    path("forgotten", answer),
    path("person", opened(PERSON)),
    path("officer", opened(OFFICER)),
    path("exchange/hook", opened(GATEWAY)),
    path("conflict", conflict),
    path("large", large),
    path("broken", broken),
]
handler400 = handler403 = handler404 = errors.refused
handler500 = errors.broken
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


JSON = {"Accept": "application/json"}


def test_a_public_page_is_open_and_carries_the_security_headers(client):
    response = client.get("/open")
    assert response.content == b"ok nobody"
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert len(response.headers["X-Request-Id"]) == 32


def test_a_page_is_kept_apart_by_who_is_signed_in_and_a_signed_in_one_is_not_kept_at_all(client, settings):
    public = client.get("/open")
    assert "Cookie" in public.headers["Vary"]
    assert "Cache-Control" not in public.headers
    client.cookies[settings.SESSION_COOKIE_NAME] = "anything"
    signed_in = client.get("/conflict")
    assert "Cookie" in signed_in.headers["Vary"]
    assert signed_in.headers["Cache-Control"] == "no-store"
    assert "Cookie" not in client.get("/conflict", headers=JSON).headers.get("Vary", "")


def test_two_requests_have_two_ids(client):
    first, second = client.get("/open"), client.get("/open")
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_a_view_without_a_rule_is_refused_to_everybody(client):
    assert client.get("/forgotten", headers=JSON).status_code == 403


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(client):
    response = client.get("/person?a=1")
    assert response.status_code == 302
    assert response.headers["Location"].endswith("next=%2Fperson%3Fa%3D1")
    assert client.get("/person", headers=JSON).status_code == 401
    assert client.get("/officer", headers=JSON).status_code == 401


@pytest.mark.parametrize("header", ["onedoor.gateway", "Onedoor-Gateway", "Onedoor.Gateway"])
def test_a_header_never_opens_the_gateways_door(client, header):
    assert client.post("/exchange/hook", headers={header: "1"}).status_code == 403
    assert client.post("/exchange/hook", **{VIA_GATEWAY: True}).content == b"ok nobody"


def test_a_form_without_its_token_is_refused_and_the_gateway_needs_none():
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    assert client.post("/open", headers=JSON).status_code == 400
    assert client.post("/exchange/hook", **{VIA_GATEWAY: True}).status_code == 200


@pytest.mark.parametrize(
    ("route", "status"), [("/conflict", 409), ("/large", 413), ("/broken", 500), ("/nowhere", 404)]
)
def test_an_error_is_a_problem_document_for_programs_and_a_page_for_people(client, route, status):
    problem = client.get(route, headers=JSON)
    assert problem.status_code == status
    assert problem.headers["Content-Type"] == "application/problem+json"
    body = problem.json()
    assert body["status"] == status
    assert body["instance"].endswith(problem.headers["X-Request-Id"])
    page = client.get(route, headers={"Accept": "text/html"})
    assert page.status_code == status
    for response in (page, problem):
        assert b"Traceback" not in response.content
        assert "Đào" not in response.content.decode()


def test_the_log_of_an_error_names_places_and_no_words_of_it(capsys):
    before = logging.getLogger().handlers
    try:
        logs.set_up("info")
        try:
            raise ValueError("Nguyễn Thị Đào 001099000001")
        except ValueError as error:
            structlog.get_logger("test").error("failed", exc_info=error)
            logging.getLogger("other").exception("also failed")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        logging.getLogger().handlers = before
        structlog.reset_defaults()
    assert [line["exception"] for line in lines] == ["ValueError", "ValueError"]
    assert all("test_middleware.py" in line["places"][-1] for line in lines)
    assert "Đào" not in str(lines)
