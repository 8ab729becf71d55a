"""The bodies of the GovStack interface for publishing and subscribing, version 2.0.0, as we take and give them."""

from collections.abc import Mapping
from typing import Any

from onedoor.kernel.openapi import Part, strict
from onedoor.pubsub.rules import LARGEST_EVENT, LARGEST_SCHEMA, MINUTE, MONTH, ORDERED_BY

NAME = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._-]{0,59}$"}
ID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}
PARTS = ("instanceId", "memberClass", "memberCode", "applicationCode")
SYSTEM = strict(**{one: {"type": "string", "maxLength": 60} for one in PARTS})
FREE: Part = {"type": "object"}
EVENT_TYPE = strict(
    eventType=NAME,
    schema=FREE | {
        "description": f"a JSON Schema that stands by itself, {LARGEST_SCHEMA} bytes at most; {ORDERED_BY} names "
        "the property by whose value events keep their order"
    },
)  # fmt: skip
PUBLISH = strict(
    eventType=NAME,
    event=FREE | {"description": f"fits its type's schema, {LARGEST_EVENT} bytes at most, no personal number"},
)
OPTIONS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "TTL": {"type": "integer", "minimum": MINUTE, "maximum": MONTH, "description": "seconds an event waits"},
        "FIFO": {"type": "boolean", "description": "each event waits for the one before"},
    },
}
SUBSCRIPTION: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["eventType"],
    "properties": {
        "id": ID,
        "subscriberId": SYSTEM | {"description": "the system that asks, or left out"},
        "eventType": NAME,
        "delivery": {"enum": ["PUSH", "PULL"], "description": "PUSH unless it is said"},
        "options": OPTIONS,
    },
}
EVENT = strict(
    id=ID,
    sequence={"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    publisherId=SYSTEM,
    eventType=NAME,
    event=FREE,
    publishedAt=MOMENT,
)
STATES = ("waiting", "delivered", "expired", "stopped")
WAY = strict(
    subscriberId=SYSTEM,
    state={"enum": list(STATES)},
    tries={"type": "integer", "minimum": 0},
    lastAnswer={"type": ["integer", "null"], "description": "status with which the subscriber last refused it"},
    deliveredAt={"type": ["string", "null"], "format": "date-time"},
    expiresAt=MOMENT,
)
STATUS = strict(**EVENT["properties"], deliveries={"type": "array", "items": WAY})
CREATED = strict(id=ID)
NAMES: Part = {"type": "array", "items": NAME}
SUBSCRIPTIONS: Part = {"type": "array", "items": SUBSCRIPTION}
HEARD = strict(heard=ID)
PLACES: Mapping[str, Part] = {"eventType": NAME, "eventId": ID}
"""What stands in addresses."""


def place(name: str) -> Part:
    """Return the part *name* of an address as a parameter."""
    return {"name": name, "in": "path", "required": True, "schema": dict(PLACES[name])}
