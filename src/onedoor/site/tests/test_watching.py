"""Requests as who watches sees them: an id made here, a pattern instead of an address, nobody's data."""

import io
import json
import logging

import pytest
import structlog
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from onedoor.exchange import service as exchange
from onedoor.kernel.access import GATEWAY, PUBLIC, access
from onedoor.kernel.settings import current
from onedoor.kernel.watch import metrics, spans, trace
from onedoor.site import errors, logs, watching
from onedoor.site.middleware import VIA_GATEWAY
from onedoor.store import keys, keystore

NUMBER, NAME = "001099000001", "Nguyễn Thị Đào"


@access(PUBLIC)
def show(request, code):
    structlog.get_logger("room").info("looked", what="something")
    logging.getLogger("library").warning("also looked")
    return HttpResponse(code)


@access(GATEWAY)
def hook(request):
    return HttpResponse(request.id)


urlpatterns = [path("cases/<str:code>", show), path("exchange/hook", hook)]
handler400 = handler403 = handler404 = errors.refused
handler500 = errors.broken
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


def count(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return metrics.REGISTRY.get_sample_value("onedoor_requests_total", labels) or 0.0


def test_a_request_is_counted_by_the_pattern_of_its_route_and_never_by_its_address(client):
    before = count("GET", "cases/<str:code>", "200")
    client.get(f"/cases/{NUMBER}?name={NAME}")
    client.get(f"/nowhere/{NUMBER}")
    client.generic(f"X{NUMBER}", f"/cases/{NUMBER}")
    assert count("GET", "cases/<str:code>", "200") == before + 1
    assert count("other", "cases/<str:code>", "200") >= 1
    assert count("GET", watching.NOWHERE, "404") >= 1
    assert NUMBER not in metrics.text().decode()


def test_a_route_has_one_pattern_in_every_language():
    assert {watching.pattern(f"{code}/desk/<uuid:task>") for code in ("vi", "en", "fr")} == {
        "<language>/desk/<uuid:task>"
    }
    assert watching.pattern("health") == "health"


def test_the_id_of_a_stranger_is_not_taken_and_that_of_the_own_gateway_is(client):
    sent = trace.new()
    headers = {"traceparent": sent.header(), "X-Request-Id": sent.id}
    assert client.get("/cases/x", headers=headers).headers["X-Request-Id"] != sent.id
    via = client.get("/exchange/hook", headers=headers, **{VIA_GATEWAY: True})
    assert via.content.decode() == via.headers["X-Request-Id"] == sent.id
    unsafe = client.get(
        "/exchange/hook", headers={"traceparent": f"00-{NUMBER:0<32}-{1:016x}-01"}, **{VIA_GATEWAY: True}
    )
    assert NUMBER not in unsafe.content.decode()


@pytest.mark.usefixtures("logged")
def test_every_line_of_a_request_names_it(client, logged):
    answer = client.get("/cases/x")
    told = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert {one["event"] for one in told} == {"looked", "also looked", "request"}
    assert {one["request"] for one in told} == {answer.headers["X-Request-Id"]}


@pytest.fixture
def logged(monkeypatch):
    before, level, stream = logging.getLogger().handlers, logging.getLogger().level, io.StringIO()
    monkeypatch.setattr(logs.sys, "stderr", stream)
    logs.set_up("info")
    yield stream
    logging.getLogger().handlers = before
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def test_a_question_to_another_agency_carries_the_id_of_the_request():
    question = exchange.Call("VN/GOV/G01/POPULATION/population", "lookup", reason=exchange.Reason("p", "b"), user="u")
    with trace.within(trace.new()) as here:
        sent = exchange._request(question).headers["traceparent"]
    assert trace.read(sent).id == here.id
    assert trace.read(exchange._request(question).headers["traceparent"])


def test_a_span_of_a_request_names_route_and_status_and_nobody(client, monkeypatch):
    kept = []

    class Keeper:
        def put(self, *told, **facts):
            kept.append((told, facts))

    monkeypatch.setattr(spans, "_exporter", Keeper())
    client.get(f"/cases/{NUMBER}?name={NAME}", headers={"Cookie": NAME.encode().hex()})
    ((_, parent, name, kind, _), facts) = kept[0]
    assert (parent, name, kind) == ("", "GET cases/<str:code>", spans.SERVER)
    assert facts == {"failed": False, "facts": {"http.request.method": "GET", "http.response.status_code": 200}}
    assert NUMBER not in str(kept)


@pytest.mark.django_db
def test_a_system_whose_blind_key_is_gone_says_so(tmp_path, monkeypatch):
    def why() -> str:
        return watching.health_of(current(), whole=False).ready()["dependencies"]["keys"].get("why", "")

    monkeypatch.setattr(keystore, "folder", lambda: tmp_path)
    monkeypatch.setattr(keys, "_in_use", lambda: False)
    assert not why(), "a fresh system makes it when it is first needed"
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(keys, "_in_use", lambda: True)
    assert "keys/blind is missing" in why()
    (tmp_path / "blind").write_bytes(bytes(32))
    assert not why()
