"""A page says how long it waited for other agencies, and the empty view asks nobody."""

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from onedoor.exchange import service as exchange
from onedoor.kernel.errors import OnedoorError
from onedoor.site import middleware


class Slow:
    """A gateway that takes its time."""

    def answers(self, requests, timeout):
        exchange.time.sleep(0.02)
        return [TimeoutError() for _ in requests]


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(exchange, "_connections", Slow)


def ask(_request=None):
    reason = exchange.Reason("birth-form", "a-basis")
    answers = exchange.call_many([exchange.Call("VN/GOV/G01/POPULATION/population", "lookup", reason=reason, user="u")])
    assert isinstance(answers[0], OnedoorError)
    return HttpResponse()


def answered(view):
    return middleware.requests(view)(RequestFactory().get("/"))


def timing(response):
    name, _, duration = response.headers["Server-Timing"].partition(";dur=")
    return name, float(duration)


def test_a_page_names_the_milliseconds_it_waited_for_other_agencies(slow):
    name, duration = timing(answered(ask))
    assert name == "agencies"
    assert 20 <= duration < 1000


def test_waiting_is_counted_anew_for_each_request(slow):
    ask()
    ask()
    once = timing(answered(ask))[1]
    assert once < 1000 * exchange.waited() + 0.01
    assert "Server-Timing" not in answered(lambda _request: HttpResponse()).headers


def test_the_empty_view_asks_no_database():
    answer = Client().get("/health/empty")
    assert (answer.status_code, answer.content) == (200, b"")
