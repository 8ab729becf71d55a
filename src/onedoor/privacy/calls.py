"""Calls of services that are no register: who asks through the own gateway, and whether they may."""

from django.http import HttpRequest

from onedoor.exchange.service import Caller, caller
from onedoor.kernel import nation
from onedoor.kernel.settings import current
from onedoor.privacy import records, rights, rules
from onedoor.privacy.errors import NotPermitted
from onedoor.privacy.rules import Reader


def reader_of(asks: Caller) -> Reader:
    """Return who asks and why, as the gate takes it."""
    return Reader(asks.client, asks.user, asks.purpose, asks.basis, asks.case)


def admitted(request: HttpRequest, service: str, operation: str = "") -> tuple[Caller, Reader]:
    """Return who calls this system's *service*, which they may; raise `NotPermitted`, which is recorded."""
    asks = caller(request)
    reader = reader_of(asks)
    permit_call(reader, service=service, provider=current().subsystem, operation=operation)
    return asks, reader


def permit_call(reader: Reader, *, service: str, provider: str, operation: str = "") -> None:
    """Return when *reader* may call *service*, which is no register; raise `NotPermitted`, which is recorded.

    A *provider* of "" stands for any: a process without a subsystem of its own (tests). An *operation* is needed
    where a service tells several apart.
    """
    purposes, today = rights.purposes(), nation.current().today()
    if not rules.may_call(purposes, reader, service=service, provider=provider, day=today, operation=operation):
        records.refused(reader, service, "call", (), "not-granted", ())
        raise NotPermitted(reason="not-granted", register=service)


def may_be_told(sender: Reader, *, subscriber: str) -> bool:
    """Return whether the room *sender* may push events to *subscriber*, for what it subscribed."""
    return rules.may_be_told(rights.purposes(), sender, subscriber=subscriber, day=nation.current().today())


def permit_event(sender: Reader, *, subscriber: str) -> None:
    """Return when the room *sender* may push events to *subscriber*; raise `NotPermitted`, which is recorded."""
    if not may_be_told(sender, subscriber=subscriber):
        records.refused(sender, rules.PUBSUB, "call", (), "not-granted", ())
        raise NotPermitted(reason="not-granted", register=rules.PUBSUB)
