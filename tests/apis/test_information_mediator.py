"""Rooms for events asked by the definition of GovStack itself: with what it allows, and with what it does not."""

import copy
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
import yaml
from schemathesis import GenerationMode

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.kernel.settings import REPOSITORY
from onedoor.privacy.service import Reader
from onedoor.pubsub import publishing, room
from onedoor.site.wsgi import application
from tests.apis.generating import hold

DEFINITION = yaml.safe_load(
    (REPOSITORY / "src" / "onedoor" / "pubsub" / "tests" / "govstack-im-pubsub-2.0.0.yaml").read_text("utf-8")
)
OWNER = "VN/GOV/G15/CIVIL-STATUS"
BEFORE, ROOM = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}", f"/r1/{OWNER}"
METHODS = ("get", "post", "patch", "delete")
EXAMPLES = 8
TYPE, FREE = "birthRegistered", "deathRegistered"
"""An event type to which the system that asks is subscribed, and one to which it is not."""
ANY = "[A-Za-z][A-Za-z0-9]{0,20}"
MAKES = {"createEventType": ANY, "addSub": FREE}
"""Which event types an operation is asked of; any other one of `TYPE`."""


def of_room(event: str, only: str) -> dict[str, Any]:
    """Return the definition as one room has it: its gateway knows whose it is, and who asks.

    The texts that it allows in addresses are of two kinds here: those that mean something, and all others.
    """
    found = copy.deepcopy(DEFINITION)
    found["paths"] = {path.replace(BEFORE, ROOM): item for path, item in found["paths"].items()}
    found["servers"] = [{"url": "http://testserver"}]
    for item in found["paths"].values():
        places = {one.get("name") or one["$ref"].rpartition("/")[2] for one in item.pop("parameters")}
        patterns = {"eventType": f"^{only}$", "eventId": f"^{event}$"}
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}
            for name, pattern in patterns.items()
            if name in places
        ]
    for name in ("EventType", "PublishEvent", "SubscriptionItem"):
        found["components"]["schemas"][name]["type"] = "object"
        found["components"]["schemas"][name]["properties"]["eventType"] = {"type": "string", "pattern": f"^{only}$"}
    return found


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Carry what is asked as the gateway would."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ |= {"wsgi.input": io.BytesIO(body), "PATH_INFO": environ["PATH_INFO"].replace(ROOM, "/exchange", 1)}
    environ |= {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": OWNER, "HTTP_X_ROAD_ID": str(uuid4())}
    environ |= {"HTTP_X_ROAD_USERID": OWNER, "HTTP_ONEDOOR_PURPOSE": "events", "HTTP_ONEDOOR_BASIS": "nd278-2025"}
    return application(environ, start_response)


def operations() -> Iterator[object]:
    for path, item in DEFINITION["paths"].items():
        for method in METHODS:
            if method in item:
                name = item[method]["operationId"]
                takes = "requestBody" in item[method] or "{eventType}" in path
                for mode in GenerationMode if takes else [GenerationMode.POSITIVE]:
                    asked = path.replace(BEFORE, ROOM), method.upper()
                    yield pytest.param(*asked, mode, MAKES.get(name, TYPE), id=f"{name} {mode.value}")


@pytest.mark.parametrize(("path", "method", "mode", "only"), list(operations()))
@pytest.mark.django_db(transaction=True)
def test_a_room_answers_as_the_definition_of_govstack_says(
    path: str, method: str, mode: GenerationMode, only: str
) -> None:
    for name in (TYPE, FREE):
        room.create(name, {"type": "object"})
    room.subscribe(TYPE, Reader(OWNER, OWNER, "events", "nd278-2025", ""), room.Terms(push="subs" in path))
    event = publishing.publish(TYPE, OWNER, "a-key", {"record": "r1"})
    schema = schemathesis.openapi.from_dict(of_room(str(event.id), only))
    schema.app = app
    statuses = hold(schema[path][method], mode, EXAMPLES)
    if mode is GenerationMode.POSITIVE:
        assert min(statuses) < 300, "one at least did what was asked"
    else:
        assert len(statuses) > 1
