"""Rooms for events, called as gateways call them: every answer is held against the definition of GovStack itself."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import schemathesis
from django.db import connection, transaction
from django.test import Client
from schemathesis.core.transport import Response

from onedoor.exchange import service as exchange
from onedoor.exchange.service import VIA_GATEWAY, Answer
from onedoor.kernel import clock
from onedoor.privacy.models import ReadRecord
from onedoor.pubsub import delivering, publishing, room, rules, service, tasks
from onedoor.pubsub.models import Arrived, Delivery, Published, Subscription
from onedoor.store.jobs import app
from onedoor.store.models import StatedEvent
from onedoor.store.work import run_waiting

pytestmark = pytest.mark.django_db
SPECIFICATION = schemathesis.openapi.from_path(Path(__file__).parent / "govstack-im-pubsub-2.0.0.yaml")
BEFORE = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}"
OWNER, CLINIC = "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G18/HEALTH"
FETCHES, IS_TOLD = "VN/GOV/G01/POPULATION", "VN/GOV/G24/INSURANCE"
BIRTH = {
    "type": "object",
    "additionalProperties": False,
    "required": ["record"],
    "properties": {"record": {"type": "string", "maxLength": 60}, "weight": {"type": "integer"}, "place": {}},
    rules.ORDERED_BY: "record",
}
NOON = datetime(2026, 11, 10, 5, tzinfo=UTC)


def ask(method: str, path: str, body: object = None, *, by: str = OWNER, key: str = "", **other: str) -> Any:
    headers = {
        "HTTP_X_ROAD_CLIENT": by,
        "HTTP_X_ROAD_USERID": by,
        "HTTP_X_ROAD_ID": str(uuid4()),
        "HTTP_ONEDOOR_PURPOSE": "events",
        "HTTP_ONEDOOR_BASIS": "nd278-2025",
        "HTTP_IDEMPOTENCY_KEY": key,
        "HTTP_ACCEPT_LANGUAGE": "en",
        VIA_GATEWAY: True,
    }
    content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return Client().generic(method, f"/exchange/{path}", **content, **{**headers, **other})


def conforms(status: int, method: str, path: str, body: object = None, *, by: str = OWNER, key: str = "") -> Any:
    """Return what is answered with *status*, once schemathesis found it to be as the definition says."""
    answer = ask(method, path, body, by=by, key=key)
    assert answer.status_code == status, answer.content
    asked = requests.Request(method, "https://localhost/").prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    received = Response(answer.status_code, headers, answer.content, asked, elapsed=0, verify=False)
    SPECIFICATION[f"{BEFORE}/{_pattern(path)}"][method].validate_response(received)
    return json.loads(answer.content) if answer.content else None


def _pattern(path: str) -> str:
    parts = path.split("/")
    name = 3 if parts[0] == "api" else 2
    parts[name : name + 1] = ["{eventType}"] if len(parts) > name else []
    parts[name + 1 :] = ["{eventId}"] if len(parts) > name + 1 else []
    return "/".join(parts)


@pytest.fixture(autouse=True)
def births() -> None:
    room.create("birthRegistered", BIRTH)


def publish(record: str = "r1", *, by: str = OWNER, key: str = "", **more: object) -> str:
    body = {"eventType": "birthRegistered", "event": {"record": record, **more}}
    return conforms(201, "POST", "pub/v1/birthRegistered", body, by=by, key=key)["id"]


def subscribe(by: str, **terms: object) -> dict[str, Any]:
    return conforms(200, "POST", "api/v1/subs/birthRegistered", {"eventType": "birthRegistered", **terms}, by=by)


def fetch(by: str = FETCHES) -> Any:
    return conforms(200, "GET", "pull/v1/birthRegistered", by=by)


def ways(event: str) -> list[tuple[str, str]]:
    found = conforms(200, "GET", f"pub/v1/birthRegistered/{event}")["deliveries"]
    return [(one["subscriberId"]["memberCode"], one["state"]) for one in found]


class Carried(list[str]):
    """The records of the events that were pushed; a subscriber that is *silent* or *refuses* some gets none."""

    silent = False
    refuses: tuple[str, ...] = ()


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> Carried:
    """Carry what is pushed to this process itself, as the gateways would."""
    found = Carried()

    def call(service: str, path: str, body: Mapping[str, Any], *, reason: Any, user: str, key: str, **_: Any) -> Answer:
        assert service == f"{IS_TOLD}/events"
        assert key == f"event:{body['id']}"
        if found.silent:
            raise exchange.ServiceUnavailable(who=service)
        heard = ask("POST", f"events/{path}", body, by=OWNER, HTTP_ONEDOOR_BASIS=reason.basis)
        answer = Answer(422 if body["event"]["record"] in found.refuses else heard.status_code, None, {}, "m")
        if answer.status >= 400:
            raise exchange._failure(service, answer)
        found.append(body["event"]["record"])
        return answer

    monkeypatch.setattr(exchange, "call", call)
    return found


def push_all() -> None:
    for one in Subscription.objects.filter(push=True):
        tasks.push(str(one.id))


def test_event_types_are_made_listed_and_ended_as_govstack_says() -> None:
    kind = {"eventType": "deathRegistered", "schema": {"type": "object"}}
    conforms(200, "POST", "api/v1/eventType", kind)
    conforms(409, "POST", "api/v1/eventType", kind)
    conforms(400, "POST", "api/v1/eventType", {"eventType": "x"})
    assert conforms(200, "GET", "api/v1/eventType", by=FETCHES) == ["birthRegistered", "deathRegistered"]
    assert conforms(200, "GET", "api/v1/eventType/deathRegistered", by=FETCHES) == kind
    conforms(204, "DELETE", "api/v1/eventType/deathRegistered")
    conforms(404, "DELETE", "api/v1/eventType/deathRegistered")
    conforms(204, "GET", "api/v1/eventType/deathRegistered", by=FETCHES)
    conforms(204, "DELETE", "api/v1/eventType/birthRegistered")
    conforms(204, "GET", "api/v1/eventType", by=FETCHES)
    conforms(200, "POST", "api/v1/eventType", kind)  # the name is free again


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"properties": {"a": {"$ref": "http://127.0.0.1:1/schema"}}},
        {rules.ORDERED_BY: "nothing"},
        {"description": "x" * rules.LARGEST_SCHEMA},
        {"properties": {"a": {"pattern": "(?<!x)y"}}},
        {"$ref": "#"},
        {"allOf": [{"properties": {"a": {"$ref": "#/allOf/0"}}}]},
        {"$ref": "#/$defs/0", "$defs": [{"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)] + [{}]},
        {"$ref": "#/%24defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"$ref": "#/$defs/none"},
        {"$ref": "#/type/x", "type": "object"},
        {"$ref": "#name", "$defs": {"a": {"$anchor": "name"}}},
        {"$defs": {"a": {"$id": "urn:a", "$ref": "#"}}},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"properties": {"a": {"pattern": "^\\p{L}{1000}$"}}},
        {"allOf": [{"pattern": f"x{n}"} for n in range(rules.MOST_PATTERNS + 1)]},
    ],
)
def test_a_schema_that_does_not_stand_by_itself_is_refused(schema: object) -> None:
    conforms(400, "POST", "api/v1/eventType", {"eventType": "other", "schema": schema})


def test_a_schema_may_refer_to_its_own_parts() -> None:
    schema = {"$id": "urn:s", "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/a"}}}
    schema |= {"$defs": {"a": {"type": "string", "pattern": "^[A-Z]{1,60}$", "examples": [{"id": "x"}]}}}
    conforms(200, "POST", "api/v1/eventType", {"eventType": "refers", "schema": schema})
    conforms(201, "POST", "pub/v1/refers", {"eventType": "refers", "event": {"a": "X"}})
    conforms(400, "POST", "pub/v1/refers", {"eventType": "refers", "event": {"b": 5}})


def test_a_pattern_takes_no_time_whatever_the_text() -> None:
    schema = {"properties": {"a": {"pattern": "^(a|a)*(a|a)*(a|a)*$"}}}
    conforms(200, "POST", "api/v1/eventType", {"eventType": "slow", "schema": schema})
    body = {"eventType": "slow", "event": {"a": "a" * 40_000 + "b"}}
    conforms(400, "POST", "pub/v1/slow", body)


def test_a_subscription_is_kept_changed_and_ended_as_govstack_says() -> None:
    made = subscribe(FETCHES, delivery="PULL", options={"TTL": 60, "FIFO": True})
    assert made["subscriberId"]["applicationCode"] == "POPULATION"
    where = "api/v1/subs/birthRegistered"
    conforms(409, "POST", where, {"eventType": "birthRegistered"}, by=FETCHES)
    assert conforms(200, "GET", where, by=FETCHES) == made
    assert conforms(200, "GET", "api/v1/subs", by=FETCHES) == [made]
    assert conforms(200, "GET", "api/v1/subs", by=IS_TOLD) == []
    conforms(404, "GET", where, by=IS_TOLD)
    changed = conforms(201, "PATCH", where, {"eventType": "birthRegistered", "options": {"TTL": 90}}, by=FETCHES)
    assert changed == {**made, "options": {"TTL": 90, "FIFO": True}}
    conforms(204, "DELETE", where, by=FETCHES)
    conforms(404, "DELETE", where, by=FETCHES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"eventType": "other"},
        {"eventType": "birthRegistered", "options": {"TTL": 59}},
        {"eventType": "birthRegistered", "options": {"TTL": 30 * 86_400 + 1}},
        {"eventType": "birthRegistered", "delivery": "POST"},
        {"eventType": "birthRegistered", "subscriberId": delivering.parts(OWNER)},
        {"eventType": "birthRegistered", "more": 1},
        [],
    ],
)
def test_a_subscription_that_says_something_else_is_refused(wrong: object) -> None:
    conforms(400, "POST", "api/v1/subs/birthRegistered", wrong, by=FETCHES)
    assert not Subscription.objects.exists()


def test_an_event_waits_until_its_subscriber_confirms_it() -> None:
    subscribe(FETCHES, delivery="PULL")
    conforms(404, "GET", "pull/v1/birthRegistered", by=FETCHES)
    event = publish(weight=3200, by=CLINIC)
    found = fetch()
    assert (found["id"], found["sequence"], found["event"]) == (event, 1, {"record": "r1", "weight": 3200})
    assert found["publisherId"]["memberCode"] == "G18"
    assert fetch() == found
    for _ in range(2):
        conforms(204, "DELETE", f"pull/v1/birthRegistered/{event}", by=FETCHES)
    conforms(404, "GET", "pull/v1/birthRegistered", by=FETCHES)
    conforms(404, "DELETE", f"pull/v1/birthRegistered/{uuid4()}", by=FETCHES)
    conforms(404, "GET", f"pub/v1/birthRegistered/{event}")  # another one published it
    status = conforms(200, "GET", f"pub/v1/birthRegistered/{event}", by=CLINIC)
    assert [one["state"] for one in status["deliveries"]] == ["delivered"]


def test_a_call_that_comes_twice_brings_one_event() -> None:
    subscribe(FETCHES, delivery="PULL")
    assert publish(key="k") == publish(key="k")
    other = {"eventType": "birthRegistered", "event": {"record": "r2"}}
    assert ask("POST", "pub/v1/birthRegistered", other, key="k").status_code == 409
    assert publish(key="k", by=CLINIC) != publish(key="k2")
    assert [one.number for one in Published.objects.order_by("id")] == [1, 2, 3]


def test_what_orders_events_keeps_their_order_and_nothing_else_does() -> None:
    subscribe(FETCHES, delivery="PULL")
    first, second, other = publish("r1"), publish("r1", weight=1), publish("r2")
    conforms(409, "DELETE", f"pull/v1/birthRegistered/{second}", by=FETCHES)
    conforms(204, "DELETE", f"pull/v1/birthRegistered/{other}", by=FETCHES)
    conforms(204, "DELETE", f"pull/v1/birthRegistered/{first}", by=FETCHES)
    assert fetch()["id"] == second


def test_all_events_keep_their_order_for_whoever_wants_it() -> None:
    subscribe(FETCHES, delivery="PULL", options={"FIFO": True})
    first, other = publish("r1"), publish("r2")
    conforms(409, "DELETE", f"pull/v1/birthRegistered/{other}", by=FETCHES)
    assert fetch()["id"] == first


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"record": 5},
        {"record": "r", "more": 1},
        {"record": "r", "place": "x" * rules.LARGEST_EVENT},
        {"record": "001196204817"},
        {"record": "r", "place": {"of": ["001196204817"]}},
        {"record": "r", "place": {"001196204817": 1}},
        {"record": "r", "place": "born: 001196204817."},
        {"record": "r", "place": "born: 001 196 204 817"},
        {"record": "r", "place": "001196\u00a0204817"},
    ],
)
def test_an_event_that_its_type_does_not_allow_or_with_a_personal_number_is_refused(event: object) -> None:
    conforms(400, "POST", "pub/v1/birthRegistered", {"eventType": "birthRegistered", "event": event})
    assert not Published.objects.exists()


@pytest.mark.parametrize("value", ["[" * 40 + "]" * 40, "[" * 100_000 + "]" * 100_000, "1e400", "NaN"])
def test_what_is_nested_too_deep_or_without_end_is_refused(value: str) -> None:
    place = '{"record":"r","place":' + value + "}"
    body = f'{{"eventType":"birthRegistered","event":{place}}}'
    headers = {"HTTP_X_ROAD_CLIENT": OWNER, "HTTP_X_ROAD_USERID": OWNER, "HTTP_ONEDOOR_PURPOSE": "events"}
    headers |= {"HTTP_ONEDOOR_BASIS": "nd278-2025", VIA_GATEWAY: True}
    answer = Client().post("/exchange/pub/v1/birthRegistered", body, "application/json", **headers)
    assert answer.status_code == 400


def test_an_event_is_pushed_once_and_stated_where_it_arrives(carried: Carried) -> None:
    subscribe(IS_TOLD)
    event = publish()
    push_all()
    push_all()
    assert carried == ["r1"]
    assert ways(event) == [("G24", "delivered")]
    arrived = [(one.room, one.name, one.body) for one in service.arrived()]
    assert arrived == [(OWNER, "birthRegistered", {"record": "r1"})]
    assert StatedEvent.objects.filter(name__startswith="pubsub.").count() == 1
    item = delivering.item(Published.objects.get())
    assert ask("POST", "events/v1/birthRegistered", item).status_code == 200
    assert StatedEvent.objects.filter(name__startswith="pubsub.").count() == 1
    assert Arrived.objects.count() == 1


def test_a_silent_subscriber_is_left_alone_and_then_gets_all_in_order(carried: Carried) -> None:
    with clock.freeze(NOON):
        subscribe(IS_TOLD)
        carried.silent = True
        events = [publish(record) for record in ("r1", "r2", "r1")]
        push_all()
        assert Subscription.objects.get().silent == 1  # one try tells that nobody is there
        push_all()
        assert Subscription.objects.get().silent == 1
        carried.silent = False
    with clock.freeze(NOON + timedelta(seconds=1)):
        push_all()
        assert carried == ["r1", "r2", "r1"]
        assert Subscription.objects.get().silent == 0
        assert [ways(one) for one in events] == [[("G24", "delivered")]] * 3


def test_an_event_that_is_not_taken_holds_up_its_own_line_alone(carried: Carried) -> None:
    with clock.freeze(NOON):
        subscribe(IS_TOLD)
        carried.refuses = ("r1",)
        refused = publish("r1")
        publish("r2"), publish("r1"), publish("r3")
        push_all()
        assert carried == ["r2", "r3"]
        way = conforms(200, "GET", f"pub/v1/birthRegistered/{refused}")["deliveries"][0]
        assert (way["state"], way["tries"], way["lastAnswer"]) == ("waiting", 1, 422)
        carried.refuses = ()
    with clock.freeze(NOON + timedelta(seconds=1)):
        push_all()
    assert carried == ["r2", "r3", "r1", "r1"]


def test_more_lines_than_are_taken_at_a_time_wait_for_no_line_that_fails(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "AT_ONCE", 2)
    subscribe(IS_TOLD)
    carried.refuses = ("a", "b", "c")
    for record in ("a", "b", "c", "d", "e"):
        publish(record)
    push_all()
    assert sorted(carried) == ["d", "e"]


def test_a_line_that_stands_alone_ends_at_what_is_not_taken(carried: Carried) -> None:
    subscribe(IS_TOLD, options={"TTL": 60, "FIFO": True})
    carried.refuses = ("c",)
    publish("a"), publish("b"), publish("c"), publish("d")
    push_all()
    assert carried == ["a", "b"]


def test_an_event_ends_with_its_time_and_stops_when_its_publisher_says_so() -> None:
    with clock.freeze(NOON):
        subscribe(FETCHES, delivery="PULL", options={"TTL": 60})
        expired, stopped = publish("r1"), publish("r2")
        conforms(204, "DELETE", f"pub/v1/birthRegistered/{stopped}")
        conforms(404, "DELETE", f"pub/v1/birthRegistered/{stopped}", by=CLINIC)
        assert fetch()["id"] == expired
    with clock.freeze(NOON + timedelta(seconds=60)):
        conforms(404, "GET", "pull/v1/birthRegistered", by=FETCHES)
        tasks.sweep()
        assert ways(expired) == [("G01", "expired")]
        assert ways(stopped) == [("G01", "stopped")]
    with clock.freeze(NOON + timedelta(days=publishing.KEPT, seconds=1)):
        tasks.sweep()
    assert not any(one.objects.exists() for one in (Published, Delivery))


def test_what_waits_is_not_forgotten_however_old() -> None:
    with clock.freeze(NOON):
        subscribe(FETCHES, delivery="PULL", options={"TTL": rules.MONTH})
    with clock.freeze(NOON + timedelta(days=1)):
        publish()
    with clock.freeze(NOON + timedelta(days=publishing.KEPT + 1, seconds=-1)):
        tasks.sweep()
        assert fetch()["sequence"] == 1


def test_who_has_no_right_to_it_is_refused_on_record() -> None:
    kind = {"eventType": "other", "schema": {}}
    assert ask("POST", "api/v1/eventType", kind, by=FETCHES).status_code == 403
    assert ask("GET", "pull/v1/birthRegistered", by=CLINIC).status_code == 403
    event = {"eventType": "birthRegistered", "event": {"record": "r"}}
    assert ask("POST", "pub/v1/birthRegistered", event, by=IS_TOLD).status_code == 403
    assert ask("POST", "pub/v1/birthRegistered", event, HTTP_ONEDOOR_PURPOSE="own-case").status_code == 403
    publish()
    item = delivering.item(Published.objects.get())
    assert ask("POST", "events/v1/birthRegistered", item, by=CLINIC).status_code == 403
    assert ReadRecord.objects.exclude(refused="").count() == 5
    assert ask("POST", "pub/v1/birthRegistered", event, **{VIA_GATEWAY: ""}).status_code == 403


def test_a_subscriber_fetches_what_it_is_pushed_by_asking_for_it_and_the_other_way_round(carried: Carried) -> None:
    subscribe(IS_TOLD)
    carried.silent = True
    publish()
    push_all()
    conforms(409, "GET", "pull/v1/birthRegistered", by=IS_TOLD)
    where, body = "api/v1/subs/birthRegistered", {"eventType": "birthRegistered"}
    conforms(201, "PATCH", where, {**body, "delivery": "PULL"}, by=IS_TOLD)
    assert fetch(IS_TOLD)["event"] == {"record": "r1"}
    carried.silent = False
    conforms(201, "PATCH", where, {**body, "delivery": "PUSH"}, by=IS_TOLD)
    push_all()
    assert carried == ["r1"]


@pytest.mark.django_db(transaction=True)
def test_the_worker_pushes_what_is_published(carried: Carried) -> None:
    subscribe(IS_TOLD)
    publish()
    run_waiting()
    assert carried == ["r1"]


def test_what_a_room_pushes_is_held_to_what_a_room_takes() -> None:
    publish()
    item = delivering.item(Published.objects.get())
    for wrong in (
        {"event": {"record": "001196204817"}},
        {"event": {"record": "x" * rules.LARGEST_EVENT}},
        {"publisherId": dict.fromkeys(item["publisherId"], "x" * 60)},
    ):
        assert ask("POST", "events/v1/birthRegistered", item | wrong).status_code == 400
    assert not Arrived.objects.exists()


@pytest.mark.parametrize(("method", "path"), [("DELETE", "api/v1/eventType/"), ("GET", "api/v1/subs/")])
def test_a_name_that_no_type_can_have_is_that_of_none(method: str, path: str) -> None:
    assert ask(method, f"{path}a%00b", by=OWNER if method == "DELETE" else FETCHES).status_code == 404


def test_who_may_not_subscribe_any_more_is_told_nothing_more(carried: Carried) -> None:
    with clock.freeze(NOON):
        subscribe(IS_TOLD)
        publish()
        basis = Subscription.objects.get().basis
        Subscription.objects.update(basis="that-ended")
        push_all()
        assert carried == []
        Subscription.objects.update(basis=basis)
    with clock.freeze(NOON + timedelta(seconds=delivering.LONGEST)):
        push_all()
        assert carried == ["r1"]


@pytest.mark.django_db(transaction=True)
def test_a_subscriber_has_its_turn_and_no_place_that_others_need(
    carried: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "TURN", -1.0)
    subscribe(IS_TOLD)
    for record in ("r1", "r2", "r3"):
        publish(record)
    push_all()
    assert carried == ["r1"]
    with delivering._places, delivering._places:
        push_all()
    assert carried == ["r1"]
    run_waiting()
    assert sorted(carried) == ["r1", "r2", "r3"]


@pytest.mark.django_db(transaction=True)
def test_what_no_job_knows_of_is_pushed_within_a_minute(carried: Carried) -> None:
    subscribe(IS_TOLD)
    publish()
    app.connector.execute_query("DELETE FROM procrastinate_jobs")
    tasks.go_on()
    run_waiting()
    assert carried == ["r1"]


@pytest.mark.django_db(transaction=True)
def test_who_unsubscribes_while_something_is_published_waits_for_it() -> None:
    subscribe(FETCHES, delivery="PULL")
    with ThreadPoolExecutor(1) as other, transaction.atomic():
        publishing.publish("birthRegistered", CLINIC, "k", {"record": "r1"})
        ended = other.submit(_unsubscribe)
        with pytest.raises(TimeoutError):
            ended.result(0.3)
        transaction.on_commit(lambda: ended.result(5))
    assert not Delivery.objects.exists()


def _unsubscribe() -> None:
    try:
        room.unsubscribe("birthRegistered", FETCHES)
    finally:
        connection.close()
