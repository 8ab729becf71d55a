"""A running nation is watched: every process tells health and figures, one id finds a look-up everywhere."""

import json
import re
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from onedoor.kernel.watch import metrics
from onedoor.site.story.browser import Browser
from onedoor.site.up.status import status
from tests.nation.running import Running, onedoor, wait_for
from tests.reference import code

pytestmark = [pytest.mark.nation, pytest.mark.timeout(400)]
MEMBERS = ("G22", "G01", "G15", "G18", "G24")
FLOOR_MIB = 1536
WATCHED = {
    "portal-web": 401, "portal-worker": 498, "directory": 499, "up": 449,
    **{f"node-{member}": 401 + place for place, member in enumerate(MEMBERS) if place},
    **{f"gateway-{member}": 450 + place for place, member in enumerate(MEMBERS)},
}  # fmt: skip
EXPECTED = {
    "portal": ["onedoor_requests_total", "onedoor_request_seconds", "onedoor_database_up", "onedoor_database_pool"],
    "node": ["onedoor_requests_total", "onedoor_jobs", "onedoor_outbox_lag_seconds", "onedoor_ledger_size",
             "onedoor_ledger_lag_seconds", "onedoor_database_pool", "onedoor_certificate_days_left"],
    "gateway": ["onedoor_exchange_messages_total", "onedoor_exchange_message_seconds",
                "onedoor_configuration_days_left", "onedoor_certificate_days_left"],
    "directory": ["onedoor_configuration_days_left", "onedoor_certificate_days_left"],
    "up": ["onedoor_up_running", "onedoor_up_restarts_total"],
}  # fmt: skip
Told = dict[str, Any]


def ask(nation: Running, name: str, path: str) -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", nation.base + WATCHED[name], timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_every_process_but_postgres_is_watched(nation: Running) -> None:
    assert {"up", *nation.pids()} - {"postgres"} == set(WATCHED)


@pytest.mark.parametrize("name", WATCHED)
def test_a_process_says_that_it_is_well_and_on_what_it_depends(nation: Running, name: str) -> None:
    assert ask(nation, name, "/health/live")[0] == 200
    said, body = ask(nation, name, "/health")
    found = json.loads(body)
    assert (said, found["status"]) == (200, "ok"), found
    assert found["dependencies"]
    assert {one["state"] for one in found["dependencies"].values()} == {"ok"}


@pytest.mark.parametrize("name", WATCHED)
def test_a_process_tells_figures_that_are_all_documented_and_nothing_of_anybody(
    nation: Running, told: Told, name: str
) -> None:
    assert ask(nation, name, "/metrics")[0] == 200
    text = ask(nation, name, "/metrics")[1]
    code.load()
    families = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    assert {one for one in families if not one.startswith(("process_", "python_"))} <= set(metrics.KNOWN)
    assert not [one for one in EXPECTED[name.partition("-")[0]] if one not in text]
    assert told["case"] not in text
    assert not [secret for secret in nation.secrets_of_people() if secret in text]


def test_requests_are_counted_by_pattern_and_messages_by_service(nation: Running, told: Told) -> None:
    portal, gateway = ask(nation, "portal-web", "/metrics")[1], ask(nation, "gateway-G22", "/metrics")[1]
    assert re.search(r'onedoor_requests_total\{method="GET",route="<language>/cases/<[^"]+",status="200"\}', portal)
    asked = (
        r'onedoor_exchange_messages_total\{outcome="answered",service="VN/GOV/G01/POPULATION/population",side="asking"'
    )
    assert re.search(asked, gateway)
    assert 'onedoor_exchange_calls_total{outcome="answered",service="VN/GOV/G01/POPULATION/population"}' in portal


def lines(nation: Running, name: str, request: str) -> list[dict[str, Any]]:
    path = nation.var / "log" / f"{name}.log"
    return [json.loads(line) for line in path.read_text().splitlines() if request in line]


def test_one_id_of_a_look_up_stands_in_the_logs_of_portal_both_gateways_and_node(nation: Running, told: Told) -> None:
    """The story's form asked the population register: its id is found from the gateway's side."""
    asked = [
        json.loads(line)
        for line in (nation.var / "log" / "gateway-G22.log").read_text().splitlines()
        if '"message"' in line and "VN/GOV/G01/POPULATION/population" in line
    ]
    request = next(
        one["request"] for one in asked if one["side"] == "asking" and lines(nation, "portal-web", one["request"])
    )
    found = {name: lines(nation, name, request) for name in ("portal-web", "gateway-G22", "gateway-G01", "node-G01")}
    assert all(found.values()), {name: len(told) for name, told in found.items()}
    assert {one["request"] for told in found.values() for one in told} == {request}
    ids = [
        {one["message"] for one in found[name] if one["event"] == "message"} for name in ("gateway-G22", "gateway-G01")
    ]
    assert ids[1] <= ids[0]
    assert any(one["event"] == "request" and one["route"].startswith("exchange/") for one in found["node-G01"])


def test_the_id_of_a_submission_follows_the_case_through_jobs_and_gateways_to_the_agency(
    nation: Running, told: Told
) -> None:
    assert told
    handed = [
        json.loads(line)["request"]
        for line in (nation.var / "log" / "gateway-G15.log").read_text().splitlines()
        if '"message"' in line and "VN/GOV/G15/CIVIL-STATUS/cases" in line
    ]
    sent = {
        one: next((told for told in lines(nation, "portal-web", one) if told["event"] == "request"), None)
        for one in handed
    }
    request, first = next((one, told) for one, told in sent.items() if told)
    assert first["method"] == "POST"
    jobs = [one["job"] for one in lines(nation, "portal-worker", request) if one["event"] == "job"]
    assert "cases.hand_over" in jobs
    assert any(one["event"] == "request" for one in lines(nation, "node-G15", request))


def test_the_id_a_browser_sends_is_never_taken(nation: Running) -> None:
    sent = "01a2123b52ec7c33a6081a6bfd74f7aa"
    headers = {"traceparent": f"00-{sent}-0123456789abcdef-01", "X-Request-Id": sent}
    answer = Browser("vi").session.get(nation.places.page(""), headers=headers, timeout=30)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] != sent


@pytest.mark.parametrize("log", ["portal-web", "portal-worker", "node-G15", "gateway-G22", "gateway-G15", "directory"])
def test_every_line_of_a_log_is_json(nation: Running, told: Told, log: str) -> None:
    for line in Path(nation.var / "log" / f"{log}.log").read_text().splitlines():
        if line.startswith("{"):
            assert {"event", "level", "at"} <= set(json.loads(line))
        else:
            assert re.match(r"\[(INFO|WARNING)\] ", line), line  # granian's own, when it starts and stops


def test_the_memory_of_all_processes_stays_below_the_floor(nation: Running, told: Told) -> None:
    assert told
    assert 0 < status(nation.var)["pss_mib"] < FLOOR_MIB


def test_status_shows_the_health_of_every_process_and_what_ails_it(nation: Running) -> None:
    found = status(nation.var)["processes"]
    assert {name: one["health"] for name, one in found.items() if name in WATCHED} == dict.fromkeys(WATCHED, "ok")
    nation.kill("node-G24")
    ill = wait_for(lambda: status(nation.var)["processes"]["gateway-G24"]["ill"], "the gateway misses nothing", 10)
    assert re.fullmatch(r"system \S+: nobody answers there", ill[0])
    nation.wait_for_all()
    assert "ok" in onedoor("status", "--var", str(nation.var)).stdout
