"""Watching the exchange: one id through both gateways into the system, figures and health of gateways and directory."""

import json
import re
from contextlib import closing
from http.client import HTTPConnection

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.tests.nation import LOOKUP, Place, System, wait_for
from onedoor.kernel.watch import trace

NUMBER, NAME = "001099000001", "Dao"
SERVICE = "VN/GOV/G01/POPULATION/population"


def ask(place: Place, name: str, path: str) -> tuple[int, str]:
    host, _, port = place.environments[name]["ONEDOOR_WATCH_LISTEN"].rpartition(":")
    with closing(HTTPConnection(host, int(port), timeout=20)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def lines(place: Place, name: str, request: str) -> list[dict[str, object]]:
    told = [json.loads(line) for line in place.output(name).splitlines()]
    return [one for one in told if one.get("request") == request]


def id_seen(system: System) -> str:
    found = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-0[01]", system.seen[-1]["headers"]["traceparent"])
    assert found
    return found[1]


def test_one_id_goes_through_both_gateways_into_the_system_and_their_logs(
    place: Place, system: System, portal: Connections
) -> None:
    with trace.within(trace.new()) as here:
        assert place.ask(client=portal, traceparent=here.header()).status == 200
    assert id_seen(system) == here.id
    for name, side, peer in (("gateway-G22", "asking", "G01"), ("gateway-G01", "providing", "G22")):
        wait_for(lambda name=name: bool(lines(place, name, here.id)), f"{name} says nothing of {here.id}")
        (told,) = lines(place, name, here.id)
        assert (told["event"], told["side"], told["service"]) == ("message", side, SERVICE)
        assert (told["outcome"], told["status"], told["peer"]) == ("answered", 200, f"VN/GOV/{peer}/GATEWAY")
    ids = {lines(place, name, here.id)[0]["message"] for name in ("gateway-G22", "gateway-G01")}
    assert len(ids) == 1


@pytest.mark.parametrize(
    "unsafe",
    [
        "",
        f"00-{NUMBER}00000000000000000000-0123456789abcdef-01",
        f"00-{'a' * 32}-0123456789abcdef-01",
        f"{NAME} {NUMBER}",
    ],
)
def test_an_id_that_is_not_ours_is_replaced_and_stands_in_no_log(
    place: Place, system: System, portal: Connections, unsafe: str
) -> None:
    assert place.ask(client=portal, traceparent=unsafe, tracestate=f"x={NUMBER}").status == 200
    made = id_seen(system)
    assert made not in (unsafe[3:35], "")
    assert "tracestate" not in system.seen[-1]["headers"]
    for name in ("gateway-G22", "gateway-G01"):
        wait_for(lambda name=name: bool(lines(place, name, made)), f"{name} says nothing of {made}")


def test_a_second_traceparent_is_not_passed_on(place: Place, system: System, portal: Connections) -> None:
    first, second = trace.new(), trace.new()
    place.ask(client=portal, traceparent=first.header(), Traceparent=second.header())
    assert id_seen(system) in (first.id, second.id)


def test_what_a_message_holds_of_a_person_stands_neither_in_logs_nor_in_metrics(
    place: Place, system: System, portal: Connections
) -> None:
    canary = {"X_Road_UserId": NUMBER, "X_Road_Id": f"{NAME}-{NUMBER}", "X_Road_Issue": f"2611-{NUMBER}"}
    place.ask(f"{LOOKUP}/{NUMBER}?name={NAME}", NUMBER.encode(), client=portal, **canary)
    place.ask(f"/r1/VN/GOV/G01/POPULATION/{NAME}{NUMBER}/x", client=portal)
    place.ask(f"/r1/VN/GOV/{NAME}{NUMBER}/X/y/x", client=portal)
    for name in ("gateway-G22", "gateway-G01"):
        told = place.output(name) + ask(place, name, "/metrics")[1]
        assert NUMBER not in told
        assert NAME not in told


def test_messages_are_counted_by_side_service_and_outcome(place: Place, system: System, portal: Connections) -> None:
    label = f'service="{SERVICE}",side="{{}}"'
    count = r'onedoor_exchange_messages_total\{outcome="answered",%s\} (\S+)'

    def counted(name: str, side: str) -> float:
        found = re.search(count % re.escape(label.format(side)), ask(place, name, "/metrics")[1])
        return float(found[1]) if found else 0.0

    before = counted("gateway-G22", "asking"), counted("gateway-G01", "providing")
    place.ask(client=portal)
    assert (counted("gateway-G22", "asking"), counted("gateway-G01", "providing")) == (before[0] + 1, before[1] + 1)
    denied = place.ask(client=portal, Onedoor_Purpose="curiosity")
    assert denied.headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
    told = ask(place, "gateway-G01", "/metrics")[1]
    assert 'onedoor_exchange_faults_total{type="Server.ServerProxy.AccessDenied"}' in told
    assert "onedoor_exchange_message_seconds_bucket" in told


def test_a_gateway_says_what_it_depends_on_and_which_of_it_is_away(place: Place) -> None:
    status, body = ask(place, "gateway-G01", "/health")
    found = json.loads(body)
    needed = {name for name, one in found["dependencies"].items() if one["needed"]}
    assert needed == {"configuration", "log"}
    systems = {name: one["state"] for name, one in found["dependencies"].items() if name.startswith("system ")}
    assert set(systems.values()) == {"failing"}  # no system runs in this test
    assert (status, found["status"], found["member"]) == (200, "limited", "G01")
    assert ask(place, "gateway-G01", "/health/live")[0] == 200


def test_days_left_of_configuration_and_certificates_are_told(place: Place) -> None:
    for name in ("gateway-G22", "directory"):
        told = ask(place, name, "/metrics")[1]
        days = re.search(r"^onedoor_configuration_days_left (\S+)", told, re.MULTILINE)
        assert days
        assert 0.9 < float(days[1]) <= 1.0
        ends = re.search(r'onedoor_certificate_days_left\{name="signing"\} (\S+)', told)
        assert ends
        assert 360 < float(ends[1]) <= 365
    assert json.loads(ask(place, "directory", "/health")[1])["dependencies"]["content"]["state"] == "ok"
