"""Traces over the exchange: both gateways' spans reach a collector, each under the one who asked; nobody's data do."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from onedoor.exchange.tests.nation import LOOKUP, Place, free_base, system_of, wait_for
from onedoor.kernel.tests.collector import Collector
from onedoor.kernel.watch import trace

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
    for name in ("gateway-G22", "gateway-G01"):
        traced.kill(name, 15)  # what waits is sent before the end
    wait_for(lambda: len(collector.spans) >= 2, "spans are missing")
    found = {one["name"].partition(" ")[0]: one for one in collector.spans}
    assert {one["traceId"] for one in found.values()} == {asked.id}
    assert found["asking"]["parentSpanId"] == asked.span
    assert found["providing"]["parentSpanId"] == found["asking"]["spanId"]
    header = str(system.seen[-1]["headers"]["traceparent"])
    assert header == f"00-{asked.id}-{found['providing']['spanId']}-01"
    told = json.dumps(collector.bodies)
    assert NUMBER not in told
    assert NAME not in told
