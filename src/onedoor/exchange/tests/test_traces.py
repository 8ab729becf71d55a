"""Traces over the exchange: both gateways' spans reach a collector, each under the one who asked; nobody's data do."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from onedoor.exchange.tests.large import FILES, MIB, Client, Files
from onedoor.exchange.tests.nation import LOOKUP, Place, free_base, system_of, wait_for
from onedoor.kernel.tests.collector import Collector
from onedoor.kernel.watch import trace

FAILED = 2
"""The code of an error, as OTLP numbers them."""
NUMBER, NAME = "001099000001", "Dao"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.shutdown()
    collector.server_close()


@pytest.fixture
def traced(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        for name in ("gateway-G22", "gateway-G01"):
            place.environments[name]["ONEDOOR_TRACES_URL"] = collector.url
        place.start("directory", "gateway-G22", "gateway-G01")
        yield place


def test_a_message_leaves_a_span_at_each_gateway_under_the_one_who_asked(traced: Place, collector: Collector) -> None:
    asked = trace.new()
    with system_of(traced, "G01") as system, closing(traced.client()) as portal:
        target = f"{LOOKUP}?name={NAME}{NUMBER}"
        answer = traced.ask(target, NUMBER.encode(), client=portal, traceparent=asked.header(), X_Road_UserId=NUMBER)
    assert answer.status == 200
    found = spans(traced, collector)
    assert {one["traceId"] for one in found.values()} == {asked.id}
    assert found["asking"]["parentSpanId"] == asked.span
    assert found["providing"]["parentSpanId"] == found["asking"]["spanId"]
    header = str(system.seen[-1]["headers"]["traceparent"])
    assert header == f"00-{asked.id}-{found['providing']['spanId']}-01"
    exported = json.dumps(collector.bodies)
    assert NUMBER not in exported
    assert NAME not in exported


def test_a_refused_message_leaves_a_failed_span_at_each_gateway(traced: Place, collector: Collector) -> None:
    asked = trace.new()
    with system_of(traced, "G01") as system, closing(traced.client()) as portal:
        answer = traced.ask(client=portal, traceparent=asked.header(), Onedoor_Purpose="curiosity")
    assert (answer.headers["x-road-error"], system.seen) == ("Server.ServerProxy.AccessDenied", [])
    found = spans(traced, collector)
    assert [told(one) for one in found.values()] == [("fault", True)] * 2
    assert found["asking"]["parentSpanId"] == asked.span
    assert found["providing"]["parentSpanId"] == found["asking"]["spanId"]


@pytest.mark.parametrize(("query", "ended"), [("", ("answered", False)), (f"?stop={2 * MIB}", ("fault", True))])
def test_a_large_body_leaves_a_span_at_each_gateway_that_says_whether_it_was_whole(
    traced: Place, collector: Collector, query: str, ended: tuple[str, bool]
) -> None:
    asked = trace.new()
    with system_of(traced, "G01", Files()), Client(traced) as client:
        client.ask("GET", f"{FILES}/{4 * MIB}{query}", traceparent=asked.header())
        assert client.answer().whole is not ended[1]
    found = spans(traced, collector)
    assert [told(one) for one in found.values()] == [ended] * 2
    assert {one["traceId"] for one in found.values()} == {asked.id}
    assert found["providing"]["parentSpanId"] == found["asking"]["spanId"]


def spans(traced: Place, collector: Collector) -> dict[str, Any]:
    """Stop both gateways, so that what waits is sent; return their spans by the side that each is of."""
    for name in ("gateway-G22", "gateway-G01"):
        traced.kill(name, 15)
    wait_for(lambda: len(collector.spans) >= 2, "spans are missing")
    found = {one["name"].partition(" ")[0]: one for one in collector.spans}
    assert (len(collector.spans), set(found)) == (2, {"asking", "providing"})
    return found


def told(span: dict[str, Any]) -> tuple[str, bool]:
    """Return the outcome that *span* tells, and whether it counts as failed."""
    facts = {one["key"]: one["value"] for one in span["attributes"]}
    return facts["onedoor.outcome"]["stringValue"], span.get("status", {}).get("code") == FAILED
