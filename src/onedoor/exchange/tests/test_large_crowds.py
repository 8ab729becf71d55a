"""Large bodies under way are few, of one peer and of one system; what was signed of one holds."""

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.gateway import batches, bodies, nodes, streams
from onedoor.exchange.gateway.bodies import Body, Limits, Passing
from onedoor.exchange.gateway.circuits import Circuit
from onedoor.exchange.gateway.faults import Fault, server_side
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.gateway.streams import Streams
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.large import FILES, MIB, Files
from onedoor.exchange.tests.nation import Place, free_base, system_of, wait_for
from onedoor.kernel.ids import uuid7_text

FEW = "from onedoor.exchange.gateway import streams; streams.MOST = 2"


class Nothing:
    """A channel, a transport and a source of nothing."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


def link_to(peer: str, under_way: set[Body]) -> Streams:
    made = Streams(cast("Any", Nothing()), Limits(), under_way, server_side)
    made.peer = peer
    return made


def coming(link: Streams) -> Body:
    return link.receive(uuid7_text(), None, lambda _: None)


def test_a_peer_has_no_more_bodies_under_way_for_having_more_links() -> None:
    under_way: set[Body] = set()
    first, second, other = (link_to(peer, under_way) for peer in ("a", "a", "b"))
    held = [coming(first) for _ in range(bodies.MOST)]
    with pytest.raises(Fault, match="Overloaded") as refused:
        coming(second)
    assert refused.value.retry
    assert coming(other)
    leaving = Body(cast("Any", Nothing()), None, Limits(), under_way, server_side)
    second.send(uuid7_text(), leaving, lambda _: None, lambda: None)
    held[0].drop()
    assert coming(second)


def test_a_body_counts_until_it_is_over_though_all_of_it_came() -> None:
    under_way: set[Body] = set()
    link = link_to("a", under_way)
    for _ in range(bodies.MOST):
        body = coming(link)
        body.feed(b"waits for the system")
        body.finish(body.digest)
    link.coming.clear()  # as each of them was closed
    with pytest.raises(Fault, match="Overloaded"):
        coming(link)


@pytest.fixture
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("var"), free_base(), before=FEW) as place:
        place.start("directory", "gateway-G22", "gateway-G01")
        yield place


def test_a_peer_that_announces_bodies_on_many_links_is_told_to_come_later_with_the_same_id(few: Place) -> None:
    def announced(link: HostileGateway, message_id: str) -> bytes:
        request = uuid7_text()
        names = {"X_Road_Id": message_id, "X_Road_Request_Id": request, "Onedoor_Purpose": "hand-over"}
        frame = link.send(head_of(f"{FILES}/held", Onedoor_Stream=str(MIB * 8), **names), body=b"")
        if frame[0] == batches.RESET:
            assert frame[1:17] == UUID(request).bytes
            frame = link.receive()
        return frame

    with system_of(few, "G01", Files()):
        links = [HostileGateway(few) for _ in range(3)]
        assert [announced(one, f"id-{n}")[0] for n, one in enumerate(links[:2])] == [batches.CREDIT] * 2
        refused = announced(links[2], "id-2")
        assert refused[0] == batches.RESPONSES
        assert b"Server.ServerProxy.Overloaded" in refused
        assert b"Retry-After:1" in refused
        client: Connections = few.client()
        assert few.ask(f"{FILES}/10", client=client, method="GET", Onedoor_Purpose="hand-over").status == 200
        client.close()
        links[0].close()
        wait_for(lambda: announced(links[2], "id-2")[0] == batches.CREDIT, "a place is free", 30)
        links[1].close()
        replayed = HostileGateway(few)
        wait_for(lambda: b"already received" in announced(replayed, "id-2"), "it was taken before", 30)
        for one in (links[2], replayed):
            one.close()


@pytest.mark.parametrize("after", ["reset", "close"])
def test_what_comes_after_the_signature_of_a_body_does_not_undo_it(few: Place, after: str) -> None:
    files, request, content = Files(), uuid7_text(), bytes(MIB // 2)
    names = {"X_Road_Request_Id": request, "Onedoor_Purpose": "hand-over", "Onedoor_Stream": str(len(content))}
    head, key = head_of(f"{FILES}/one", **names), UUID(request).bytes
    with system_of(few, "G01", files):
        hostile = HostileGateway(few)
        assert hostile.send(head, body=b"")[0] == batches.CREDIT
        piece = streams.BODY_HEAD.pack(streams.KEY + len(content), batches.BODY, key) + content
        closing = batches.frame(
            batches.REQUESTS, hostile.sealed(Message.closing(head, hashlib.sha512(content).digest()))
        )
        reset = batches.frame(batches.RESET, key + b"\x01")
        hostile.socket.sendall(piece + closing + (reset if after == "reset" else b""))
        if after == "close":
            hostile.close()
        assert files.whole() == [True]
        hostile.close()


def node_with(streaming: int) -> nodes.Node:
    made = nodes.Node("localhost", 1, "", cast("Any", None), passing=Passing(Limits(stream_from=8)))
    made.streaming = {nodes.NodeConnection(made) for _ in range(streaming)}
    return made


def test_a_system_has_few_connections_set_apart_for_large_requests() -> None:
    node = node_with(nodes.MOST_STREAMING - 1)
    node.admit(Circuit(""), 0.0, large=True)
    body = Body(cast("Any", Nothing()), None, Limits(), set(), server_side)
    errand = nodes.Errand(b"", "POST", False, 0.0, lambda _: None, lambda _: None, Circuit(""), body)
    node._waiting.append(errand)
    node.admit(Circuit(""), 0.0)
    with pytest.raises(Fault, match="Overloaded") as refused:
        node.admit(Circuit(""), 0.0, large=True)
    assert refused.value.retry


@pytest.mark.parametrize("room", [True, False])
def test_a_system_has_few_connections_set_apart_for_large_answers(*, room: bool) -> None:
    async def asked() -> tuple[list[Fault], int, int]:
        node = node_with(nodes.MOST_STREAMING - room)
        before = len(node.streaming)
        connection = nodes.NodeConnection(node)
        connection._transport = cast("Any", Nothing())
        failed: list[Fault] = []
        passed: list[Body] = []
        errand = nodes.Errand(b"", "GET", False, 0.0, lambda _: None, failed.append, Circuit(""))
        errand.passing = lambda _, body: passed.append(body)
        connection.start(errand)
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + bytes(50))
        return failed, len(passed), len(node.streaming) - before

    failed, passed, more = asyncio.run(asked())
    assert (passed, more) == (int(room), int(room))
    assert [(one.type, bool(one.retry)) for one in failed] == [("Server.ServerProxy.Overloaded", True)] * (not room)


def test_one_peer_alone_cannot_have_all_connections_of_a_system() -> None:
    assert nodes.MOST_STREAMING >= 2 * 2 * streams.MOST
