"""What comes over connections, from systems and from other gateways, for each parser of it."""

import asyncio
import re
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from onedoor.exchange import identifiers
from onedoor.exchange.gateway import asic, batches, bodies, govstack, messages, metaservices, nodes, systems, wire
from onedoor.exchange.gateway.bodies import Body, Limits, Passing, Piece
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.faults import Fault, server_side
from onedoor.exchange.gateway.messages import Fields
from onedoor.exchange.permissions import Permission
from onedoor.exchange.tests.fuzzing.instance import AUTHORITY, CLIENT, CONFIGURATION, LOCAL, SIGNER
from onedoor.exchange.tests.fuzzing.seeds import ASKED, STAMPED
from onedoor.kernel import fetching
from onedoor.signing import authorities, stamps, status

COMING, KNOWN, LEAVING = (f"019{number}0000-0000-7000-8000-000000000000" for number in range(3))
"""Ids of requests whose bodies are under way: one of unknown length, one of `LENGTH`, one that leaves."""
LENGTH, MOST = 10, 100
HEADER = re.compile(rb"[ -~]+")


class Transport:
    """What a connection writes to, and whether it has ended."""

    def __init__(self) -> None:
        self.over = False

    def write(self, _: bytes) -> None: ...

    def writelines(self, _: object) -> None: ...

    def close(self) -> None:
        self.over = True

    abort = close

    def is_closing(self) -> bool:
        return self.over

    def get_extra_info(self, _: str) -> None:
        return None


class Handler:
    """Answers each request of a system at once."""

    def handle(self, asked: systems.Asked, connection: systems.Answering) -> None:
        assert asked.target
        connection.answer(200, b"OK", [], asked.body)

    def told(self, fault: Fault, _: object) -> tuple[messages.Headers, bytes]:
        return fault.told()


def requests(data: bytes) -> None:
    connection = systems.SystemConnection(Handler(), set())
    connection.connection_made(cast("asyncio.Transport", Transport()))
    half = len(data) // 2
    connection.data_received(data[:half])
    connection.data_received(data[half:])


def answers(data: bytes) -> None:
    came: list[object] = []
    connection = nodes.NodeConnection(nodes.Node("localhost", 1, "", cast("Any", None)))
    connection._transport = cast("asyncio.Transport", Transport())
    connection.start(nodes.Errand(b"", "GET", False, 0.0, came.append, came.append, Circuit("")))
    connection.data_received(data)
    assert len(came) <= 1


def frames(data: bytes) -> None:
    for _, payload in wire.Frames().feed(data):
        statement, _, found = batches.split(payload)
        batches._read_statement(statement, batches.REQUESTS, "a", "b")
        assert found


class Taker:
    """Keeps how much it took, and how it ended."""

    def __init__(self, body: Body) -> None:
        self.taken, self.ends = 0, list[str]()
        body.attach(self)

    def take(self, piece: Piece) -> None:
        self.taken += len(piece)

    def whole(self, _: bytes) -> None:
        self.ends.append("whole")

    def broken(self, _: Fault) -> None:
        self.ends.append("broken")


class Source:
    """A body of our own that leaves: there is more of it whenever it is wanted."""

    body: Body | None = None

    def pause_body(self) -> None: ...

    def resume_body(self) -> None:
        if self.body and self.body.passed < bodies.SMALL:
            self.body.feed(b"more")

    def drop_body(self) -> None: ...


class Link(wire.Link):
    """A link on which two bodies come and one leaves."""

    side = staticmethod(server_side)

    def __init__(self) -> None:
        passing = Passing(Limits(largest=MOST))
        super().__init__(cast("Any", SimpleNamespace(passing=passing)))
        self.transport, self.peer = cast("Any", Transport()), cast("Any", SimpleNamespace(id="a"))
        self.came = [self.streams.receive(*one, lambda _: None) for one in ((COMING, None), (KNOWN, LENGTH))]
        self.takers = [Taker(one) for one in self.came]
        source = Source()
        source.body = Body(source, None, passing.limits, passing.bodies, server_side)
        self.streams.send(LEAVING, source.body, lambda _: None, lambda: None)

    def frame_received(self, kind: int, payload: bytes, peer: object) -> None:
        assert kind < batches.BODY
        assert isinstance(payload, bytes)


def streams(data: bytes) -> None:
    """Whatever frames come, a body is whole or broken once, and what was taken of it is what came."""
    link, half = Link(), len(data) // 2
    link.data_received(data[:half])
    link.data_received(data[half:])
    for body in link.came:
        body.finish(body.digest)
    for body, taker in zip(link.came, link.takers, strict=True):
        assert len(taker.ends) == 1, "neither whole nor broken, or both"
        assert taker.ends == ["broken"] or taker.taken == body.passed in (body.passed, body.length)
    if cast("Transport", link.transport).over:
        raise batches.BadBatch("InvalidRequest", "the link was broken")


def heads(data: bytes) -> None:
    """A head as it travels, and the body that it announces."""
    try:
        head: messages.Request | messages.Response = messages.read_request(data)
    except messages.BadMessage:
        head = messages.read_response(data)
    rest = head.headers
    if bodies.announces(rest):
        length, rest = bodies.announcement(rest, Limits())
        assert length is None or length >= 0
        assert not bodies.announces(rest)
    if isinstance(head, messages.Request):
        messages.check(rest)


def targets(data: bytes) -> None:
    found = identifiers.read_target(data)
    assert identifiers.read_identifier(identifiers.write_identifier(found.service), 5) == found.service
    assert "/../" not in f"{found.normal}/"


def globs(data: bytes) -> None:
    glob, _, path = data.decode("latin-1").partition("\0")
    Permission("c", "s", ("*",), (f"GET {glob[:200]}",)).covers("GET", path, "")


def doors(data: bytes) -> None:
    """The query of a gateway's own doors: lists, descriptions, evidence, by X-Road's names and by GovStack's."""
    asked = systems.Asked(b"GET", data, Fields([(b"X-GovStack-Client", CLIENT.encode())]), b"", "", True)
    with suppress(Fault):
        meant, _ = govstack.mounted(asked, cast("Any", None))
        metaservices.list_clients(CONFIGURATION, meant.target.partition(b"?")[2].decode("latin-1"), [b"text/xml"])
    with suppress(Fault, identifiers.BadIdentifier):
        metaservices.described(cast("Any", SimpleNamespace(local=LOCAL)), identifiers.read_target(data))
    wanted = asic.Wanted.read(data.partition(b"?")[2].decode("latin-1"))
    named = asic._PLAIN.sub("_", wanted.id)
    assert HEADER.fullmatch(asic._file("application/zip", named)[1][1])
    asic._named(asic.REQUEST, b"GET\r\n" + data[:100] + b"\r\nX-Road-Id:1\r\n", wanted)
    wanted.check(CONFIGURATION, LOCAL, asked)


class Given:
    """A connection on which *data* comes, in two pieces, and then its end."""

    def __init__(self, data: bytes) -> None:
        half = len(data) // 2
        self._pieces = [data[:half], data[half:]]

    def recv(self, _: int) -> bytes:
        return next((piece for piece in iter(self._next, None) if piece), b"")

    def _next(self) -> bytes | None:
        return self._pieces.pop(0) if self._pieces else None

    def settimeout(self, _: float) -> None: ...

    def sendall(self, _: bytes) -> None: ...

    def close(self) -> None: ...


class Server(fetching.Server):
    """A server that answers *data*, whatever it is asked."""

    def __init__(self, data: bytes) -> None:
        super().__init__("http://a.example", 5.0)
        self.data = data

    def _connected(self, *_: object, **__: object) -> Any:
        return Given(self.data)


def fetched(data: bytes) -> None:
    """An answer of an authority for time-stamps or of an OCSP responder, with its HTTP."""
    code, body = Server(data).ask("POST", "", authorities.LARGEST, ASKED)
    if code == fetching.OK:
        status.read(body, SIGNER.certificate, AUTHORITY.certificate)
        with suppress(stamps.NoTimeStamp):
            stamps.taken(body, ASKED, STAMPED)
