"""A system behind several gateways: one of them is asked, and another where the first surely did not take a message.

Each gateway remembers for itself what ids it took. So that no id is delivered twice, who asks keeps in mind what it
sends to such systems, also where the message names the gateway: an id that is under way to one of their gateways, or
that one took or may have taken, is sent to none of them again.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from onedoor.exchange.configuration import Gateway
from onedoor.exchange.gateway.asking import Answered, Failed, Peer
from onedoor.exchange.gateway.bodies import Body
from onedoor.exchange.gateway.core import Core
from onedoor.exchange.gateway.faults import UNKNOWN, UNTAKEN, Fault, client_side
from onedoor.exchange.gateway.replay import TooMany
from onedoor.exchange.gateway.watching import Noted

HARMLESS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""Methods that change nothing (RFC 9110, 9.2.1): such a message is sent once more even when it may have been taken, as
is one with an Idempotency-Key, by which the system knows it."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A message for such a system: what `Peer.ask` takes, the ids that name it, whether it may be delivered twice."""

    head: bytes
    body: bytes | Body
    request_id: str
    client: str
    message_id: str
    harmless: bool
    answered: Answered
    failed: Failed


class Several:
    """What a gateway asks of systems behind several others, of which *peers* has each by its id."""

    def __init__(self, core: Core, peers: Mapping[str, Peer]) -> None:
        self._core, self._peers = core, peers

    def send(self, sending: Sending, gateways: Sequence[Gateway], noted: Noted) -> None:
        """Send it to one of *gateways*: *noted* is told to which; raise `Fault` or have one of its callbacks called."""
        self._claim(sending)
        try:
            self._next(sending, self._preferred(gateways), noted)
        except Exception:
            self._give_back(sending)
            raise

    def _preferred(self, gateways: Sequence[Gateway]) -> list[str]:
        """Return the ids of *gateways* in the order of trying: not known to fail, with a link, then ours by its id.

        So those who ask begin with different ones.
        """
        begin, now = crc32(self._core.id.encode()) % len(gateways), time.monotonic()
        names = [one.id for one in (*gateways[begin:], *gateways[:begin])]
        peers = [self._peers[name] for name in names if name in self._peers]
        peers.sort(key=lambda one: (one.circuit.wait(now) > 0, not one.linked))
        return [one.gateway.id for one in peers]

    def _next(self, sending: Sending, left: list[str], noted: Noted, *, untaken: bool = True) -> None:
        """Send it to the first of those *left* that takes it; raise the `Fault` of the last.

        *untaken* says that no other can have taken it before.
        """
        first, *others = left

        def failed(fault: Fault) -> None:
            none = untaken and fault.fate == UNTAKEN
            again = fault.fate == UNTAKEN or (fault.fate == UNKNOWN and sending.harmless)
            again = again and (not isinstance(sending.body, Body) or sending.body.fresh)
            if again and others and not self._core.draining:
                try:
                    self._next(sending, others, noted, untaken=none)
                    return
                except Fault as last:
                    fault = last
            if none:
                self._give_back(sending)
            sending.failed(fault)

        noted.peer = first
        try:
            self._peer(first).ask(sending.head, sending.body, sending.request_id, sending.answered, failed)
        except Fault:  # its circuit is open, too much waits for it, or it is gone from the configuration
            if not others:
                raise
            self._next(sending, others, noted, untaken=untaken)

    def _peer(self, name: str) -> Peer:
        found = self._peers.get(name)
        if found is None:
            raise client_side("NetworkError", f"The gateway {name} has left the configuration", retry=True)
        return found

    def _claim(self, sending: Sending) -> None:
        """Keep in mind that an id is sent; raise `Fault` when it is, or was."""
        try:
            new = self._core.sent.first_time(sending.client, sending.message_id, time.monotonic_ns())
        except TooMany:
            raise client_side("Overloaded", "Too many messages were sent within minutes", retry=True) from None
        if not new:
            raise client_side("InvalidRequest", "A message with this X-Road-Id was already sent")

    def _give_back(self, sending: Sending) -> None:
        """Let an id come again that nobody took."""
        self._core.sent.forget(sending.client, sending.message_id)
