"""The transactional outbox: an event is stored with what makes it true, and delivered after commit, at least once."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.transaction import TransactionManagementError
from psycopg.types.json import Jsonb

from onedoor.kernel import clock, events
from onedoor.kernel.errors import OnedoorError
from onedoor.kernel.events import Event
from onedoor.kernel.ids import uuid7
from onedoor.store import jobs, rows
from onedoor.store.models import StatedEvent

E = TypeVar("E", bound=Event)
Handler = Callable[[E], None]


@dataclass(frozen=True, slots=True)
class Stated(Generic[E]):
    """An event as it was stated: the id that it is known by, when, and what it says."""

    id: UUID
    moment: datetime
    event: E


Whole = Callable[[Stated[E]], None]

STATE = "INSERT INTO store_event (id, name, data, stated_at) VALUES (%s, %s, %s, %s)"

_handlers: dict[type[Event], dict[str, Callable[..., None]]] = defaultdict(dict)
_of_whole: set[str] = set()


class UnknownHandler(OnedoorError):
    """Nothing called “{handler}” takes the event {event}. Please start this process with the version that knew it."""


def on(kind: type[E]) -> Callable[[Handler[E]], Handler[E]]:
    """Have a function take every event of *kind* after commit; it may see one twice, so it must be idempotent."""

    def register(handler: Handler[E]) -> Handler[E]:
        _handlers[kind][f"{handler.__module__}.{handler.__qualname__}"] = handler
        return handler

    return register


def on_stated(kind: type[E]) -> Callable[[Whole[E]], Whole[E]]:
    """Have a function take every event of *kind* as `on` does, with its id, by which it sees that it comes twice."""

    def register(handler: Whole[E]) -> Whole[E]:
        name = f"{handler.__module__}.{handler.__qualname__}"
        _handlers[kind][name] = handler
        _of_whole.add(name)
        return handler

    return register


def state(event: Event) -> None:
    """Store *event* and queue its deliveries in the current transaction; without one it is refused."""
    if not transaction.get_connection().in_atomic_block:
        raise TransactionManagementError("An event is stated in the transaction that makes it true.")
    row = uuid7()
    rows.run(STATE, [row, event.name(), Jsonb(event.to_json()), clock.now()])
    for handler in _handlers_of(type(event)):
        deliver.defer(event=str(row), handler=handler)


def _handlers_of(kind: type[Event]) -> dict[str, Callable[..., None]]:
    return {name: handler for base in kind.__mro__ if base in _handlers for name, handler in _handlers[base].items()}


@jobs.job(name="store.deliver", queue="events")
def deliver(event: str, handler: str) -> None:
    """Hand one stored event to one handler."""
    row = StatedEvent.objects.get(id=UUID(event))
    fact = events.from_json(row.name, row.data)
    function = _handlers_of(type(fact)).get(handler)
    if function is None:
        raise UnknownHandler(handler=handler, event=row.name)
    function(Stated(row.id, row.stated_at, fact) if handler in _of_whole else fact)
