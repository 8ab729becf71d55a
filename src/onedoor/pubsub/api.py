"""The services of a room as the GovStack Information Mediator defines them, and that of a subscriber: one table each.

``api`` holds event types and subscriptions, ``pub`` takes events, ``pull`` gives them; to ``events`` they are pushed.
Who asks is known by the own gateway; what he may do is a right to the service `PUBSUB`, by operations.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

import jsonschema_rs
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt

from onedoor.exchange.service import Caller, caller, description, json_of
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.openapi import answer, body, problems
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.kernel.text import gettext_noop
from onedoor.privacy.service import MANAGE, PUBLISH, PUBSUB, SUBSCRIBE, Reader, permit_call, permit_event, reader_of
from onedoor.pubsub import arriving, delivering, openapi, publishing, room
from onedoor.pubsub.models import Delivery, Subscription

LONGEST_KEY, LONGEST_SYSTEM = 255, 120
Told = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: who asks, its key, the name of the event type and the id of the event in its address, its body."""

    reader: Reader
    key: str
    name: str
    event: UUID | None
    body: Mapping[str, Any]


def create_type(asked: Asked) -> Told:
    """Make an event type."""
    kind = room.create(asked.body["eventType"], asked.body["schema"])
    return HTTPStatus.OK, {"eventType": kind.name, "schema": kind.schema}


def list_types(_asked: Asked) -> Told:
    """Tell the names of the event types."""
    names = room.names()
    return (HTTPStatus.OK, names) if names else (HTTPStatus.NO_CONTENT, None)


def read_type(asked: Asked) -> Told:
    """Tell what an event type is; there is nothing to tell of one that is not there."""
    if asked.name not in room.names():
        return HTTPStatus.NO_CONTENT, None
    kind = room.find(asked.name)
    return HTTPStatus.OK, {"eventType": kind.name, "schema": kind.schema}


def end_type(asked: Asked) -> Told:
    """End an event type."""
    room.end(asked.name)
    return HTTPStatus.NO_CONTENT, None


def publish(asked: Asked) -> Told:
    """Take an event."""
    _same(asked)
    event = publishing.publish(asked.name, asked.reader.client, asked.key, asked.body["event"])
    return HTTPStatus.CREATED, {"id": str(event.id)}


def status(asked: Asked) -> Told:
    """Tell how far an event has come, to whoever published it."""
    event = publishing.status(asked.name, asked.reader.client, _id(asked))
    ways = event.delivery_set.select_related("subscription", "event").order_by("id")
    return HTTPStatus.OK, delivering.item(event) | {"deliveries": [_way(one) for one in ways]}


def stop(asked: Asked) -> Told:
    """Stop an event on its way."""
    publishing.stop(asked.name, asked.reader.client, _id(asked))
    return HTTPStatus.NO_CONTENT, None


def list_subscriptions(asked: Asked) -> Told:
    """Tell the subscriptions of the system that asks."""
    return HTTPStatus.OK, [_subscription(one) for one in room.subscriptions(asked.reader.client)]


def subscribe(asked: Asked) -> Told:
    """Subscribe the system that asks."""
    _own(asked)
    return HTTPStatus.OK, _subscription(room.subscribe(asked.name, asked.reader, room.Terms.read(asked.body)))


def read_subscription(asked: Asked) -> Told:
    """Tell one subscription of the system that asks."""
    return HTTPStatus.OK, _subscription(room.subscription(asked.name, asked.reader.client))


def change_subscription(asked: Asked) -> Told:
    """Change a subscription."""
    _own(asked)
    return HTTPStatus.CREATED, _subscription(room.change(asked.name, asked.reader, asked.body))


def unsubscribe(asked: Asked) -> Told:
    """End a subscription."""
    room.unsubscribe(asked.name, asked.reader.client)
    return HTTPStatus.NO_CONTENT, None


def pull(asked: Asked) -> Told:
    """Give the next event."""
    return HTTPStatus.OK, delivering.item(delivering.pull(asked.name, asked.reader.client))


def confirm(asked: Asked) -> Told:
    """Note that an event has come."""
    delivering.confirm(asked.name, asked.reader.client, _id(asked))
    return HTTPStatus.NO_CONTENT, None


def hear(asked: Asked) -> Told:
    """Keep an event that another room pushed."""
    _same(asked)
    if len("/".join(asked.body["publisherId"].values())) > LONGEST_SYSTEM:
        raise _not_as_said("publisherId")
    arriving.hear(asked.reader, dict(asked.body))
    return HTTPStatus.OK, {"heard": asked.body["id"]}


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: where it stands, what it does, what opens it, its answers by status, what it takes, how it refuses."""

    service: str
    method: str
    path: str
    name: str
    summary: str
    does: Callable[[Asked], Told]
    opens: str
    answers: Mapping[int, tuple[str, Any]]
    refuses: Mapping[int, str]
    takes: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return the row as an OpenAPI document takes it."""
        found: dict[str, Any] = {"operationId": self.name, "summary": self.summary}
        if places := re.findall(r"\{(\w+)\}", self.path):
            found["parameters"] = [openapi.place(one) for one in places]
        if self.takes:
            found["requestBody"] = body(self.takes)
        refuses = {403: "the purpose does not allow it; the attempt was recorded", **self.refuses}
        answers = {
            str(status): answer(text, schema) if schema else {"description": text}
            for status, (text, schema) in self.answers.items()
        }
        return found | {"responses": answers | problems(refuses)}


TYPES, TYPE, EVENT = "/v1/eventType", "/v1/eventType/{eventType}", "/v1/{eventType}/{eventId}"
SUBSCRIPTIONS, SUBSCRIPTION, OF_TYPE = "/v1/subs", "/v1/subs/{eventType}", "/v1/{eventType}"
INVALID, NO_TYPE, NO_EVENT = "the body is not as described", "there is no such event type", "there is no such event"
NOT_SUBSCRIBED = "the system that asks is not subscribed"
GONE = {204: ("done", None)}
ROOM = (
    Operation("api", "GET", TYPES, "getEventTypeList", "The event types of this room", list_types, SUBSCRIBE,
              {200: ("their names", openapi.NAMES), 204: ("there is none", None)}, {}),
    Operation("api", "POST", TYPES, "createEventType", "Make an event type", create_type, MANAGE,
              {200: ("it is made", openapi.EVENT_TYPE)}, {400: INVALID, 409: "there is one, or there are too many"},
              openapi.EVENT_TYPE),
    Operation("api", "GET", TYPE, "getEventType", "An event type and its schema", read_type, SUBSCRIBE,
              {200: ("what it is", openapi.EVENT_TYPE), 204: ("there is no such type", None)}, {}),
    Operation("api", "DELETE", TYPE, "deleteEventType", "End an event type with its subscriptions", end_type, MANAGE,
              GONE, {404: NO_TYPE}),
    Operation("api", "GET", SUBSCRIPTIONS, "listSub", "One's own subscriptions", list_subscriptions, SUBSCRIBE,
              {200: ("they", openapi.SUBSCRIPTIONS)}, {}),
    Operation("api", "POST", SUBSCRIPTION, "addSub", "Subscribe, from the next event on", subscribe, SUBSCRIBE,
              {200: ("the subscription", openapi.SUBSCRIPTION)},
              {400: INVALID, 404: NO_TYPE, 409: "it is subscribed already, or too many are"}, openapi.SUBSCRIPTION),
    Operation("api", "GET", SUBSCRIPTION, "getSub", "One subscription", read_subscription, SUBSCRIBE,
              {200: ("the subscription", openapi.SUBSCRIPTION)}, {404: NOT_SUBSCRIBED}),
    Operation("api", "PATCH", SUBSCRIPTION, "patchSub", "Change how one hears of events", change_subscription,
              SUBSCRIBE, {201: ("the subscription", openapi.SUBSCRIPTION)}, {400: INVALID, 404: NOT_SUBSCRIBED},
              openapi.SUBSCRIPTION),
    Operation("api", "DELETE", SUBSCRIPTION, "deleteSub", "End a subscription, with what waits", unsubscribe, SUBSCRIBE,
              GONE, {404: NOT_SUBSCRIBED}),
    Operation("pub", "POST", OF_TYPE, "publishEvent", "Publish an event, once for its Idempotency-Key or message id",
              publish, PUBLISH, {201: ("it is kept, and on its way", openapi.CREATED)},
              {400: INVALID, 404: NO_TYPE, 409: "the key brought another event before"}, openapi.PUBLISH),
    Operation("pub", "GET", EVENT, "getStatus", "How far an event of one's own has come", status, PUBLISH,
              {200: ("the event and its deliveries", openapi.STATUS)}, {404: NO_EVENT}),
    Operation("pub", "DELETE", EVENT, "deleteEvent", "Stop an event of one's own", stop, PUBLISH,
              GONE, {404: NO_EVENT}),
    Operation("pull", "GET", OF_TYPE, "pullEvent", "The next event that is not confirmed", pull, SUBSCRIBE,
              {200: ("the event", openapi.EVENT)},
              {404: "none waits, or the system that asks is not subscribed", 409: "it is subscribed by PUSH"}),
    Operation("pull", "DELETE", EVENT, "confirmEvent", "Confirm that an event has come", confirm, SUBSCRIBE,
              GONE, {404: NO_EVENT, 409: "one before it waits still, or it is subscribed by PUSH"}),
)  # fmt: skip
"""Every operation of the definition, with its name there."""
SUBSCRIBER = (
    Operation("events", "POST", OF_TYPE, "hearEvent", "An event that a room pushes; heard again it changes nothing",
              hear, "", {200: ("it is kept", openapi.HEARD)}, {400: INVALID}, openapi.EVENT),
)  # fmt: skip
"""What a room calls of a system that is subscribed by PUSH."""
TITLES = {
    "api": gettext_noop("Event types and subscriptions of this room"),
    "pub": gettext_noop("Publishing events in this room"),
    "pull": gettext_noop("Fetching events of this room"),
    delivering.SERVICE: gettext_noop("Events that other rooms push to this system"),
}
SERVICES = tuple(TITLES)


def _by_path(service: str) -> Mapping[str, Mapping[str, Operation]]:
    found: dict[str, dict[str, Operation]] = {}
    for one in (*ROOM, *SUBSCRIBER):
        if one.service == service:
            found.setdefault(one.path, {})[one.method] = one
    return found


def document(service: str) -> dict[str, Any]:
    """Return the OpenAPI document of *service*."""
    paths = {
        path: {method.lower(): one.told() for method, one in methods.items()}
        for path, methods in _by_path(service).items()
    }
    return {"openapi": "3.1.0", "info": {"title": TITLES[service], "version": "2.0.0"}, "paths": paths}


def routes() -> list[URLPattern]:
    """Return the routes of all services."""
    found = []
    for service in SERVICES:
        found.append(route(f"{service}/openapi.json", description(partial(document, service))))
        for path, methods in _by_path(service).items():
            where = path.replace("{eventType}", "<str:name>").replace("{eventId}", "<str:event>")
            found.append(route(service + where, _view(methods)))
    return found


def _view(methods: Mapping[str, Operation]) -> Callable[..., HttpResponse]:
    def pubsub(request: HttpRequest, name: str = "", event: str = "") -> HttpResponse:
        if (operation := methods.get(request.method or "")) is None:
            return HttpResponseNotAllowed(methods)
        return _answer(request, operation, name, event)

    pubsub.__doc__ = "; ".join(f"{method}: {one.summary}" for method, one in methods.items()) + "."
    return access(GATEWAY)(csrf_exempt(pubsub))


def _answer(request: HttpRequest, operation: Operation, name: str, event: str) -> HttpResponse:
    """Do what is asked, once it is allowed."""
    asks = caller(request)
    reader = reader_of(asks)
    if operation in ROOM:
        permit_call(reader, service=PUBSUB, provider=current().subsystem, operation=operation.opens)
    else:
        permit_event(reader, subscriber=current().subsystem)
    asked = Asked(reader, _key(asks), _name(name), _uuid(event), _body(request, operation))
    status, told = operation.does(asked)
    return HttpResponse(status=status) if told is None else JsonResponse(told, status=status, safe=False)


def _key(asks: Caller) -> str:
    key = asks.key or asks.message_id
    if len(key) > LONGEST_KEY:
        raise BadInput(what=said("{name} has at most {most} signs", name="Idempotency-Key", most=LONGEST_KEY))
    return key


def _name(name: str) -> str:
    """Return the name of an event type in an address; one that no type can have is nothing."""
    return name if re.fullmatch(openapi.NAME["pattern"], name) else ""


def _uuid(event: str) -> UUID | None:
    try:
        return UUID(event)
    except ValueError:
        return None


def _id(asked: Asked) -> UUID:
    """Return the id of the event that is asked about: one that is none is that of no event."""
    return asked.event or UUID(int=0)


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    takes = next(one.takes for one in (*ROOM, *SUBSCRIBER) if one.name == name)
    return jsonschema_rs.validator_for(dict(takes), validate_formats=True)


def _body(request: HttpRequest, operation: Operation) -> Mapping[str, Any]:
    """Return the JSON object that *operation* takes; JSON can escape a sign that the database does not know."""
    if not operation.takes:
        return {}
    found: dict[str, Any] = json_of(request)
    if b"\\u0000" in request.body:
        raise BadInput(what=said("the body has the sign \\u0000"))
    if wrong := next(_validator(operation.name).iter_errors(found), None):
        raise _not_as_said("/".join(str(one) for one in wrong.instance_path) or "/")
    return found


def _not_as_said(place: str) -> BadInput:
    return BadInput(what=said("at “{place}” it is not as openapi.json says", place=place[:80]))


def _same(asked: Asked) -> None:
    """Raise `BadInput` unless body and address name the same event type."""
    if asked.body["eventType"] != asked.name:
        raise BadInput(what=said("the body is about another event type than the address"))


def _own(asked: Asked) -> None:
    """Raise `BadInput` for a subscription that is not of the system that asks, or of another type."""
    _same(asked)
    if asked.body.get("subscriberId", delivering.parts(asked.reader.client)) != delivering.parts(asked.reader.client):
        raise BadInput(what=said("a system subscribes for itself alone"))


def _subscription(one: Subscription) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "subscriberId": delivering.parts(one.client),
        "eventType": one.event_type.name,
        "delivery": room.PUSH if one.push else room.PULL,
        "options": {"TTL": one.lasts, "FIFO": one.in_order},
    }


def _way(one: Delivery) -> dict[str, Any]:
    return {
        "subscriberId": delivering.parts(one.subscription.client),
        "state": one.state,
        "tries": one.tried,
        "lastAnswer": one.answer,
        "deliveredAt": one.done and one.done.isoformat(),
        "expiresAt": one.ends.isoformat(),
    }
