"""An event goes from agency to agency over the exchange; a room that is killed once it has taken it loses nothing."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from onedoor.exchange.connections import Connections, Request, Response
from tests.nation.running import Running, wait_for
from tests.nation.test_kills import MEMBERS
from tests.nation.test_refusals import SYSTEMS

pytestmark = [pytest.mark.nation, pytest.mark.timeout(200)]
ROOM = "VN/GOV/G15/CIVIL-STATUS"
NAMES = {"G15": "CIVIL-STATUS", "G18": "HEALTH", "G01": "POPULATION", "G24": "INSURANCE"}
WHY = {"Onedoor-Purpose": "events", "Onedoor-Basis": "nd278-2025", "Content-Type": "application/json"}
TYPE = "birthRegistered"


class Agencies:
    """Every agency's own way to its own gateway."""

    def __init__(self, nation: Running, stack: ExitStack) -> None:
        self._ways = {}
        for member in NAMES:
            url = f"https://127.0.0.1:{nation.base + SYSTEMS + MEMBERS.index(member)}"
            state = nation.var / f"node-{member}"
            way = Connections(url, state / "tls.pem", state / "tls.key", state / "tls-trust.pem")
            stack.callback(way.close)
            self._ways[member] = way

    def ask(self, member: str, method: str, path: str, body: object = None, **more: str) -> Any:
        """Return what *member* is answered by the room, or the status of an answer that is none."""
        who = f"VN/GOV/{member}/{NAMES[member]}"
        headers = {**WHY, "X-Road-Client": who, "X-Road-UserId": who, "X-Road-Id": str(uuid4()), **more}
        content = b"" if body is None else json.dumps(body).encode()
        found = self._ways[member].exchange([Request(method, f"/r1/{ROOM}/{path}", headers, content)], 15)[0]
        assert isinstance(found, Response), found
        return json.loads(found.body) if found.status in (200, 201) and found.body else found.status


@pytest.fixture
def agencies(nation: Running) -> Iterator[Agencies]:
    with ExitStack() as stack:
        yield Agencies(nation, stack)


def test_an_event_reaches_who_fetches_and_who_is_told_though_its_room_is_killed(
    nation: Running, agencies: Agencies
) -> None:
    schema = {"type": "object", "properties": {"record": {"type": "string"}}, "x-onedoor-ordered-by": "record"}
    agencies.ask("G15", "POST", "api/v1/eventType", {"eventType": TYPE, "schema": schema})
    assert TYPE in agencies.ask("G01", "GET", "api/v1/eventType")
    agencies.ask("G01", "POST", f"api/v1/subs/{TYPE}", {"eventType": TYPE, "delivery": "PULL"})
    agencies.ask("G24", "POST", f"api/v1/subs/{TYPE}", {"eventType": TYPE})

    event = {"eventType": TYPE, "event": {"record": str(uuid4())}}
    id_ = agencies.ask("G18", "POST", f"pub/v1/{TYPE}", event)["id"]
    nation.kill("node-G15")
    nation.wait_for_all()
    wait_for(lambda: told(nation, id_) == [event["event"]], "the insurance is not told of the event", 90)

    def pulled() -> Any:
        answer = agencies.ask("G01", "GET", f"pull/v1/{TYPE}")
        return answer if isinstance(answer, dict) else None

    found = wait_for(pulled, "the room began anew, and its gateway does not find it", 30)
    assert (found["id"], found["event"], found["publisherId"]["memberCode"]) == (id_, event["event"], "G18")
    assert agencies.ask("G01", "DELETE", f"pull/v1/{TYPE}/{id_}") == 204
    assert agencies.ask("G01", "GET", f"pull/v1/{TYPE}") == 404
    ways = agencies.ask("G18", "GET", f"pub/v1/{TYPE}/{id_}")["deliveries"]
    assert sorted((one["subscriberId"]["memberCode"], one["state"]) for one in ways) == [
        ("G01", "delivered"),
        ("G24", "delivered"),
    ]


def test_who_has_no_right_to_the_room_does_not_pass_the_gateway(agencies: Agencies) -> None:
    assert agencies.ask("G18", "GET", f"pull/v1/{TYPE}") == 500
    assert agencies.ask("G24", "POST", f"pub/v1/{TYPE}", {"eventType": TYPE, "event": {}}) == 500


def told(nation: Running, event: str) -> list[Any]:
    """Return the bodies of *event* that arrived at the insurance."""
    return [row[0] for row in nation.rows("node_g24", "SELECT body FROM pubsub_arrived WHERE event = %s", event)]
