"""Events go from agency to agency over the exchange; whoever of those on their way is killed, none is lost."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.gateway import messages, reading
from onedoor.exchange.parameters import ANCHOR
from tests.nation.running import Running, onedoor, wait_for
from tests.nation.test_kills import MEMBERS
from tests.nation.test_refusals import SYSTEMS

pytestmark = [pytest.mark.nation, pytest.mark.timeout(200)]
ROOM = "VN/GOV/G15/CIVIL-STATUS"
NAMES = {"G15": "CIVIL-STATUS", "G18": "HEALTH", "G01": "POPULATION", "G24": "INSURANCE"}
WHY = {"Onedoor-Purpose": "events", "Onedoor-Basis": "nd278-2025", "Content-Type": "application/json"}
TYPE = "birthRegistered"
SCHEMA = {"type": "object", "properties": {"record": {"type": "string"}}, "x-onedoor-ordered-by": "record"}


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
        found = self.send(member, Request(method, f"/r1/{ROOM}/{path}", headers, content))
        assert isinstance(found, Response), found
        return json.loads(found.body) if found.status in (200, 201) and found.body else found.status

    def send(self, member: str, request: Request) -> Response | Exception:
        """Return what the gateway of *member* answers."""
        return self._ways[member].exchange([request], 15)[0]

    def publish(self, event: dict[str, Any]) -> str:
        """Publish *event* as G18, again until it was taken; return its id."""
        asked, key = {"eventType": TYPE, "event": event}, {"Idempotency-Key": str(uuid4())}

        def taken() -> str:
            try:
                answer = self.ask("G18", "POST", f"pub/v1/{TYPE}", asked, **key)
            except AssertionError:
                return ""
            return str(answer["id"]) if isinstance(answer, dict) else ""

        return str(wait_for(taken, "nobody takes the event", 60))


@pytest.fixture
def agencies(nation: Running) -> Iterator[Agencies]:
    with ExitStack() as stack:
        yield Agencies(nation, stack)


def test_an_event_reaches_who_fetches_and_who_is_told_though_its_room_is_killed(
    nation: Running, agencies: Agencies
) -> None:
    agencies.ask("G15", "POST", "api/v1/eventType", {"eventType": TYPE, "schema": SCHEMA})
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

    def delivered() -> bool:  # a room that ended before it noted the delivery tells the insurance once more
        ways = agencies.ask("G18", "GET", f"pub/v1/{TYPE}/{id_}")["deliveries"]
        states = sorted((one["subscriberId"]["memberCode"], one["state"]) for one in ways)
        return states == [("G01", "delivered"), ("G24", "delivered")]

    wait_for(delivered, "the publisher does not hear that both have the event", 90)


def test_events_of_one_key_arrive_in_order_though_their_room_and_the_gateway_that_gets_them_are_killed(
    nation: Running, agencies: Agencies, tmp_path: Path
) -> None:
    agencies.ask("G15", "POST", "api/v1/eventType", {"eventType": TYPE, "schema": SCHEMA})
    agencies.ask("G24", "POST", f"api/v1/subs/{TYPE}", {"eventType": TYPE})
    key, sent = str(uuid4()), []
    for step, killed in enumerate(("", "node-G15", "gateway-G24", "")):
        if killed:
            nation.kill(killed)
        sent.append(agencies.publish({"record": key, "step": step}))
    nation.wait_for_all()
    query = "SELECT event::text FROM pubsub_arrived WHERE body->>'record' = %s ORDER BY id"

    def arrived() -> list[str]:
        return [row[0] for row in nation.rows("node_g24", query, key)]

    wait_for(lambda: len(arrived()) == len(sent), "the insurance is not told of all events", 120)
    assert arrived() == sent
    message = wait_for(lambda: push_of(nation, sent[-1]), "the push does not stand in the log")
    for member in ("G15", "G24"):
        target = f"/asic?{urlencode({'queryId': message, **named(member)})}&requestOnly&unique&force"
        container = downloaded(agencies, member, target, tmp_path / f"{member}.asice")
        conf = downloaded(agencies, member, "/verificationconf", tmp_path / f"{member}.zip")
        anchor = nation.var / "directory" / "sources" / "external" / ANCHOR
        against = ("--conf", str(conf), "--anchor", str(anchor), "--language", "en")
        done = onedoor("exchange", "verify", str(container), *against)
        assert done.stdout.splitlines()[:2] == ["Integrity: valid", "Trust: valid"], done.stdout + done.stderr
        assert (done.returncode, "is signed with a key of the anchor" in done.stdout) == (0, True)


def push_of(nation: Running, event: str) -> str:
    """Return the id of the message in which *event* was pushed, as it reached the subscriber's gateway."""
    folder, target = nation.var / "gateway-G24", f"/r1/VN/GOV/G24/INSURANCE/events/v1/{TYPE}"
    for one in reading.messages(folder / "log", (folder / "log.key").read_bytes()):
        if one.kind == reading.RECEIVED_REQUESTS and event.encode() in one.message.body:
            asked = messages.read_request(one.message.head)
            assert asked.target == target.encode()
            return asked.headers.first(b"x-road-id")
    return ""


def named(member: str) -> dict[str, str]:
    """Return how X-Road's own doors name the system of *member*."""
    tags = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
    return dict(zip(tags, f"VN/GOV/{member}/{NAMES[member]}".split("/"), strict=True))


def downloaded(agencies: Agencies, member: str, target: str, to: Path) -> Path:
    """Keep in *to* what the gateway of *member* has at *target*."""
    found = agencies.send(member, Request("GET", target, {}, b""))
    assert isinstance(found, Response), found
    assert found.status == 200, found.body
    to.write_bytes(found.body)
    return to


def test_who_has_no_right_to_the_room_does_not_pass_the_gateway(agencies: Agencies) -> None:
    assert agencies.ask("G18", "GET", f"pull/v1/{TYPE}") == 500
    assert agencies.ask("G24", "POST", f"pub/v1/{TYPE}", {"eventType": TYPE, "event": {}}) == 500


def told(nation: Running, event: str) -> list[Any]:
    """Return the bodies of *event* that arrived at the insurance."""
    return [row[0] for row in nation.rows("node_g24", "SELECT body FROM pubsub_arrived WHERE event = %s", event)]
