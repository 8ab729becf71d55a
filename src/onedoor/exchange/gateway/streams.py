"""Large bodies on a link between gateways: each goes in frames of its own, when its receiver has given credit for them.

The message that announces a body, and the one that closes it with its digest, are in batches like all others. Between
them, ``BODY`` frames carry bytes under the id of the request, ``CREDIT`` frames say how many more are wanted, ``RESET``
frames give one body up. So a slow receiver stops its own body alone, and what breaks off ends nothing else.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from onedoor.exchange.gateway.batches import BODY, CREDIT, RESET, BadBatch
from onedoor.exchange.gateway.bodies import MOST, Body, Limits, Piece
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.messages import Message

WINDOW = 2**20
"""Bytes of one body that its receiver lets come before it has passed them on."""
_SLACK = 2**20
"""Bytes that a sender may be beyond its credit: it had them in hand when the last of it went."""
KEY = 16
BODY_HEAD = struct.Struct(f"!IB{KEY}s")
_CREDIT = struct.Struct(f"!{KEY}sI")
_RESET = struct.Struct(f"!{KEY}s?")


class Side(Protocol):
    """Makes the faults of one side."""

    def __call__(self, kind: str, message: str, *, retry: int = False) -> Fault:
        """Return a fault."""


class Channel(Protocol):
    """The link that frames go out on."""

    def write(self, kind: int, payload: bytes) -> None:
        """Send a frame."""

    def write_raw(self, head: bytes, piece: Piece) -> None:
        """Send a frame whose head is made already."""


class Leaving:
    """A body that leaves on a link as its receiver wants it. *whole* gets its digest; *refused* hears of a reset."""

    def __init__(
        self, streams: "Streams", key: bytes, body: Body, whole: Callable[[bytes], None], refused: Callable[[], None]
    ) -> None:
        self._streams, self._key, self.body, self._whole, self.refused = streams, key, body, whole, refused
        self._credit, self._begun = 0, False

    def grant(self, size: int) -> None:
        """Let *size* more bytes go."""
        self._credit += size
        if not self._begun:
            self._begun = True
            self.go_on()
            self.body.attach(self)
        else:
            self.go_on()

    def go_on(self) -> None:
        """Go on, if there is credit and room on the link."""
        if self._credit > 0 and not self._streams.clogged:
            self.body.resume()
        else:
            self.body.pause()

    def take(self, piece: Piece) -> None:
        """Send the next bytes."""
        self._credit -= len(piece)
        self._streams.channel.write_raw(BODY_HEAD.pack(KEY + len(piece), BODY, self._key), piece)
        if self._credit <= 0:
            self.body.pause()

    def whole(self, digest: bytes) -> None:
        """Close the message."""
        self._streams.leaving.pop(self._key, None)
        self._whole(digest)

    def broken(self, _fault: Fault) -> None:
        """Give the body up."""
        self.give_up()

    def give_up(self) -> None:
        """Tell the receiver that the body will never be whole."""
        if self._streams.leaving.pop(self._key, None):
            self._streams.channel.write(RESET, _RESET.pack(self._key, True))


class Coming:
    """A body that comes on a link. *closed* gets the message that says its digest."""

    def __init__(self, streams: "Streams", key: bytes, closed: Callable[[Message], None]) -> None:
        self._streams, self._key, self.closed = streams, key, closed
        self._paused, self._owed, self._left = True, WINDOW, 0
        self.closing = False
        self.body: Body | None = None

    def feed(self, piece: Piece) -> None:
        """Take what came; raise `BadBatch` when that is far more than was wanted."""
        if isinstance(piece, memoryview) and 2 * len(piece) < memoryview(piece.obj).nbytes:
            piece = bytes(piece)  # it would keep all that came with it
        self._left -= len(piece)
        self._owed += len(piece)
        if self._left < -_SLACK:
            raise BadBatch("InvalidRequest", "a body came faster than it was wanted")
        if self.body:
            self.body.feed(piece)
        self._grant()

    def pause_body(self) -> None:
        """Want no more for now."""
        self._paused = True

    def resume_body(self) -> None:
        """Want more."""
        self._paused = False
        self._grant()

    def drop_body(self) -> None:
        """Want nothing any more."""
        if self._streams.coming.pop(self._key, None):
            self._streams.channel.write(RESET, _RESET.pack(self._key, False))

    def _grant(self) -> None:
        if not self._paused and self._owed >= WINDOW // 2 and self._key in self._streams.coming:
            self._streams.channel.write(CREDIT, _CREDIT.pack(self._key, self._owed))
            self._left, self._owed = self._left + self._owed, 0


class Streams:
    """The bodies on one link to *peer*, by the ids of their requests; of one peer there are few, on all its links."""

    def __init__(self, channel: Channel, limits: Limits, under_way: set[Body], side: Side) -> None:
        self.channel, self._limits, self._all, self._side = channel, limits, under_way, side
        self.peer = ""
        self.leaving: dict[bytes, Leaving] = {}
        self.coming: dict[bytes, Coming] = {}
        self.clogged = False

    def send(self, request_id: str, body: Body, whole: Callable[[bytes], None], refused: Callable[[], None]) -> None:
        """Let *body* go as soon as its receiver wants it; raise `Fault` when too many do so already."""
        key = self._new(request_id, self.leaving)
        body.account = self._account(self.leaving)
        self.leaving[key] = Leaving(self, key, body, whole, refused)

    def receive(self, request_id: str, length: int | None, closed: Callable[[Message], None]) -> Body:
        """Return a body that comes once somebody takes it; raise `Fault` when too many do so already."""
        try:
            key = self._new(request_id, self.coming)
        except Fault:
            self.channel.write(RESET, _RESET.pack(key_of(request_id), False))
            raise
        coming = self.coming[key] = Coming(self, key, closed)
        coming.body = Body(coming, length, self._limits, self._all, self._side, signed=True)
        coming.body.account = self._account(self.coming)
        return coming.body

    def closing(self, request_ids: Iterable[str]) -> None:
        """Note whose closing messages came and are being logged: nothing that comes later undoes what they sign."""
        for request_id in request_ids:
            if coming := self.coming.get(key_of(request_id)):
                coming.closing = True

    def close(self, request_id: str, message: Message) -> None:
        """Take the *message* that closes a body; of one that was given up it says nothing any more."""
        if coming := self.coming.pop(key_of(request_id), None):
            coming.closed(message)

    def give_up(self, request_id: str) -> None:
        """Tell the receiver that a body which was announced will never come."""
        self.channel.write(RESET, _RESET.pack(key_of(request_id), True))

    def forget(self, request_id: str) -> None:
        """Let a body not go that waits to be wanted."""
        if left := self.leaving.get(key_of(request_id)):
            left.give_up()

    def frame(self, kind: int, payload: bytes) -> None:
        """Take a frame about a body; what concerns one that is over came too late."""
        try:
            if kind == CREDIT:
                key, size = _CREDIT.unpack(payload)
                if leaving := self.leaving.get(key):
                    leaving.grant(size)
                return
            key, theirs = _RESET.unpack(payload)
        except struct.error:
            raise BadBatch("InvalidRequest", "a frame about a body is not well formed") from None
        if theirs:
            if (coming := self.coming.get(key)) and not coming.closing:
                self._lose(key, coming, "The other gateway gave the body up")
        elif left := self.leaving.pop(key, None):
            left.refused()

    def clog(self) -> None:
        """Let every body wait: the link is full."""
        self.clogged = True
        for one in list(self.leaving.values()):
            one.body.pause()

    def clear(self) -> None:
        """Let the bodies go on, each time another one first."""
        self.clogged = False
        if self.leaving:
            first = next(iter(self.leaving))
            self.leaving[first] = self.leaving.pop(first)
        for one in list(self.leaving.values()):
            one.go_on()

    def end(self, why: str, *, logged: bool = True) -> None:
        """Give all bodies up: the link is gone. One whose closing message is being *logged* goes on when it is."""
        bodies = [left.body for left in self.leaving.values()]
        self.leaving.clear()
        for body in bodies:
            body.lost(why)
        for key, coming in list(self.coming.items()):
            if not (coming.closing and logged):
                self._lose(key, coming, why)

    def _lose(self, key: bytes, coming: Coming, why: str) -> None:
        self.coming.pop(key, None)
        if coming.body:
            coming.body.lost(why)

    def _new(self, request_id: str, known: "dict[bytes, Leaving] | dict[bytes, Coming]") -> bytes:
        key = key_of(request_id)
        if not key or key in known:
            raise self._side("InvalidRequest", "A body of this request cannot be told from another")
        account = self._account(known)
        if sum(one.account == account for one in self._all) >= MOST:
            why = "Too many large bodies are under way between the gateways"
            raise self._side("Overloaded", why, retry=True)
        return key

    def _account(self, known: "dict[bytes, Leaving] | dict[bytes, Coming]") -> object:
        """Return whose share a body has part in: that of the peer, on this side, this way."""
        return self.peer, self._side, known is self.coming


def key_of(request_id: str) -> bytes:
    """Return under what the bodies of a request go; nothing when the id is not one that gateways give."""
    try:
        return UUID(request_id).bytes
    except ValueError:
        return b""
