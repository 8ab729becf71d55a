"""How often a client may come, and how a gateway that has too much says so."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.exchange.connections import Connections, Request
from onedoor.exchange.directory import lab
from onedoor.exchange.gateway import local, rates
from onedoor.exchange.tests.nation import LOOKUP, WHY, Place, free_base, system_of, wait_for

SMALL = """
from onedoor.exchange.gateway import asking, nodes
asking.MOST_AWAITED, asking.CONNECT, nodes.MOST_CONNECTIONS, nodes.MOST_WAITING = 6, 2.0, 1, 2
"""
"""Queues of few places: one message under way and two waiting for a system, six for another gateway."""
RESIDENCE = LOOKUP.replace("population/lookup", "residence/lookup")
HANGING = "/r1/VN/GOV/G15/CIVIL-STATUS/births/lookup"
DEAD = "/r1/VN/GOV/G18/HEALTH/birth-notices/lookup"
RATE, SERVED = 5, 0.5
"""Messages a second that the portal may send in this file, and that one service takes: ten times as many at once."""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base()) as place:
        place.before = SMALL
        place.environments["gateway-G22"] |= {"ONEDOOR_BUSY_STATUS": "503", "ONEDOOR_CLIENT_RATE": str(RATE)}
        path = place.seats["G01"].gateway_state / local.FILE
        data = json.loads(path.read_text())
        services = {one["service"].rpartition("/")[2]: one for one in data["services"]}
        services["population"]["rate"], services["residence"]["timeout"] = SERVED, 2
        path.write_text(json.dumps(data))
        lab.provision(place.layout.nation, place.var, place.base)  # what the operator wrote stays
        place.start("gateway-G22", "gateway-G01")
        yield place


@pytest.fixture
def asking(limited: Place) -> Iterator[Connections]:
    client = limited.client()
    yield client
    client.close()


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.sampled_from([0.05, 0.7, 3, 40]))
def test_a_client_gets_no_more_than_its_rate_and_one_burst(gaps: list[float], rate: float) -> None:
    buckets, now, taken = rates.Buckets(), 1000.0, 0
    for gap in gaps:
        now += gap
        wait = buckets.take("client", rate, now)
        taken += wait == 0
        assert wait >= 0
        assert taken <= max(rate * rates.BURST, 1) + rate * (now - 1000 - gaps[0]) + 1e-6
        if wait:
            assert buckets.take("client", rate, now + wait + 1e-6) == 0  # what it was told is true
            taken, now = taken + 1, now + wait + 1e-6
    assert not buckets.take("another", rate, now)


def test_a_client_that_was_quiet_for_long_has_one_burst_and_no_more() -> None:
    buckets = rates.Buckets()
    assert not buckets.take("client", 1, now=1.0)
    assert sum(not buckets.take("client", 1, now=1000.0) for _ in range(50)) == rates.BURST


def test_a_bucket_that_is_full_again_gives_its_place_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "PROBES", 8)
    buckets = rates.Buckets(slots=8)
    for _ in range(10):
        assert buckets.take("greedy", 1, now=1.0) == 0
    for number in range(7):
        assert buckets.take(f"quiet {number}", 1, now=1.0) == 0
    assert buckets.take("greedy", 1, now=1.5) == 0.5
    for number in range(100):
        assert buckets.take(f"later {number}", 1, now=2.0 + number / 1000) == 0
    assert buckets.take("greedy", 1, now=1.5) > 0


def test_workers_share_the_buckets_of_their_gateway() -> None:
    mine = rates.Buckets()
    others = rates.Buckets(os.dup(mine.file))
    taken = [buckets.take("client", 1, now=5.0) == 0 for buckets in (mine, others) * 10]
    assert sum(taken) == rates.BURST


def test_a_service_takes_of_each_client_what_it_may_and_the_same_id_may_come_again(
    limited: Place, asking: Connections
) -> None:
    with system_of(limited, "G01") as system:
        sent = ((one, limited.ask(client=asking, X_Road_Id=one)) for one in map(str, range(100)))
        late, refused = next((one, answer) for one, answer in sent if answer.status != 200)
        assert int(late) >= SERVED * rates.BURST
        assert refused.headers["x-road-error"] == "Server.ServerProxy.RateLimited"
        assert refused.status == 503
        time.sleep(int(refused.headers["retry-after"]))
        assert limited.ask(client=asking, X_Road_Id=late).status == 200
    assert [one["headers"]["x-road-id"] for one in system.seen].count(late) == 1  # type: ignore[index]


def test_what_waits_for_a_system_or_for_a_gateway_has_an_end(limited: Place) -> None:
    host, _, port = limited.seats["G15"].address(200).rpartition(":")
    with closing(socket.create_server((host, int(port)))), system_of(limited, "G01") as system:
        system.silent = "/residence/"
        for target, side, most in ((RESIDENCE, "ServerProxy", 3), (HANGING, "ClientProxy", 6)):
            client = limited.client()
            found = client.exchange([Request("POST", target, WHY, b"{}")] * (most + 4), 20)
            client.close()
            told = [(one.headers["x-road-error"], "retry-after" in one.headers) for one in found]  # type: ignore[union-attr]
            assert told.count((f"Server.{side}.Overloaded", True)) >= 1
            assert sum(kind == f"Server.{side}.NetworkError" for kind, _ in told) >= most  # those that waited


def test_what_may_be_tried_again_is_told_with_503_when_the_operator_wants_it(
    limited: Place, asking: Connections
) -> None:
    for target, error, status in (
        (DEAD, "Server.ClientProxy.NetworkError", 503),  # of this gateway
        (LOOKUP.replace("population/lookup", "household"), "Server.ServerProxy.UnknownService", 500),
        (DEAD.replace("HEALTH", "NOTHING"), "Server.ClientProxy.UnknownMember", 500),
    ):
        answer = limited.ask(target, client=asking)
        assert (answer.headers["x-road-error"], answer.status) == (error, status)
        assert ("retry-after" in answer.headers) == (status == 503)


def test_a_client_that_comes_too_often_is_told_when_to_come_again(limited: Place, asking: Connections) -> None:
    late = next(
        one for one in (limited.ask(DEAD, client=asking) for _ in range(RATE * 100)) if "Rate" in str(one.headers)
    )
    assert (late.headers["x-road-error"], late.status) == ("Server.ClientProxy.RateLimited", 503)
    assert late.headers["retry-after"] == "1"
    wait_for(lambda: "RateLimited" not in limited.ask(DEAD, client=asking).headers["x-road-error"], "its turn comes")


def test_who_asks_for_evidence_too_often_is_told_when_to_come_again(limited: Place, asking: Connections) -> None:
    owner = "xRoadInstance=VN&memberClass=GOV&memberCode=G22&subsystemCode=PORTAL"
    target = f"/asic?queryId=none-such&{owner}"
    wait_for(lambda: limited.ask(target, client=asking, method="GET").status == 404, "its rate, after other tests")
    found = [limited.ask(target, client=asking, method="GET") for _ in range(RATE * 100)]
    refused = [one for one in found if one.status == 429]
    assert {one.status for one in found} <= {404, 429}
    assert int(refused[0].headers["retry-after"]) >= 1
    assert b"more often than it may" in refused[0].body


@pytest.mark.parametrize("value", ["many", -1, True, 10**9, nan, inf, None, [1]])
@pytest.mark.parametrize("name", ["rate", "timeout"])
def test_a_number_that_is_none_is_refused_at_the_start(limited: Place, name: str, value: object) -> None:
    folder = limited.seats["G15"].gateway_state
    data = json.loads((folder / local.FILE).read_text())
    data["services"] = [data["services"][0] | {"timeout": 1} | {name: value}]
    (folder / local.FILE).write_text(json.dumps(data))
    with pytest.raises(local.BadGatewayFile, match=f"{name} is a number"):
        local.read(folder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"services": 1}', '{"services": [1]}', '{"services": [{"service": 1}]}']
    + [
        f'{{"id": "a", "directory": "b", "services": [], "connections": {one}}}'
        for one in ("[1]", "{{}: 1}", '{"a": []}')
    ],
)
def test_a_file_of_another_form_is_refused_with_a_clear_word(limited: Place, text: str) -> None:
    folder = limited.seats["G15"].gateway_state
    (folder / local.FILE).write_text(text)
    with pytest.raises(local.BadGatewayFile, match="not well formed"):
        local.read(folder)
