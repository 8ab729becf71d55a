"""Large bodies pass through as they come: whole or never complete, in constant memory, and touch no other message."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.gateway import batches, reading, streams
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.tests.hostile import HostileGateway, head_of
from onedoor.exchange.tests.large import (
    FILES,
    GATEWAYS,
    MIB,
    Client,
    Files,
    Watched,
    base64_of,
    content,
    digest,
    resident,
)
from onedoor.exchange.tests.nation import Place, free_base, system_of, wait_for
from onedoor.kernel.ids import uuid7_text

SIZE = 3 * MIB + 17
FALSE = """
from dataclasses import replace
from onedoor.exchange.gateway import batches
whole = batches.seal
def seal(kind, sealer, receiver, messages, moment):
    for one in messages:
        if one.passed:
            one.digests = replace(one.digests, body=bytes([one.digests.body[0] ^ 1]) + one.digests.body[1:])
    return whole(kind, sealer, receiver, messages, moment)
batches.seal = seal
"""
"""A gateway that signs another digest than that of the body it sent."""


@pytest.fixture
def files(place: Place) -> Iterator[Files]:
    files = Files()
    with system_of(place, "G01", files):
        yield files


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with Client(place) as client:
        yield client


@pytest.mark.parametrize("chunked", [False, True], ids=["known-length", "chunked"])
def test_a_large_body_arrives_as_it_was_sent_each_way(client: Client, files: Files, *, chunked: bool) -> None:
    client.ask("GET", f"{FILES}/{SIZE}{'?chunked' if chunked else ''}")
    answer = client.answer()
    assert answer.facts == (200, SIZE, digest(SIZE), True)
    assert ("transfer-encoding" in answer.headers, "onedoor-stream" in answer.headers) == (chunked, False)
    client.upload(f"{FILES}/one", content(SIZE), None if chunked else SIZE)
    answer = client.answer()
    assert (answer.status, answer.start, files.taken) == (201, b"ok", [(SIZE, digest(SIZE), True)])
    sent = files.seen[-1]["headers"]
    assert isinstance(sent, dict)
    assert ("transfer-encoding" in sent, "content-length" in sent, "onedoor-stream" in sent) == (
        chunked,
        not chunked,
        False,
    )


def test_both_logs_hold_head_and_digest_and_the_request_hash_is_over_the_whole(
    place: Place, client: Client, files: Files
) -> None:
    before = {member: size_of_log(place, member) for member in ("G22", "G01")}
    client.upload(f"{FILES}/one", content(SIZE), SIZE, X_Road_Id="logged-up")
    up = client.answer()
    client.ask("GET", f"{FILES}/{SIZE}", X_Road_Id="logged-down")
    assert (up.status, client.answer().whole) == (201, True)
    body = bytes.fromhex(digest(SIZE))
    for member, sent, received in (("G22", 1, 4), ("G01", 2, 3)):
        found = list(logged(place, member))
        opened, closed = (one for kind, one in found if kind == sent and b"logged-up" in one.head)
        assert (opened.passed, opened.digests.body, closed.passed, closed.digests.body) == (False, b"", True, body)
        assert opened.head == closed.head
        assert b"\r\nOnedoor-Stream:%d\r\n" % SIZE in closed.head
        hashed = hashlib.sha512(closed.digests.head + body).hexdigest()
        assert up.headers["x-road-request-hash"] == base64_of(hashed)
        down = [one for kind, one in found if kind == received and b"logged-down" in one.head]
        assert [(one.passed, one.digests.body) for one in down] == [(False, b""), (True, body)]
        assert size_of_log(place, member) - before[member] < 16 * 2**10


def test_the_memory_of_a_gateway_does_not_grow_with_a_body(place: Place, files: Files) -> None:
    with Client(place) as client:  # what both need once
        client.ask("GET", f"{FILES}/{SIZE}")
        assert client.answer().whole
    idle = {name: resident(place, name) for name in GATEWAYS}
    with Watched(place) as watched, Client(place) as client:
        client.ask("GET", f"{FILES}/{64 * MIB}")
        assert client.answer().facts == (200, 64 * MIB, digest(64 * MIB), True)
    assert {name: watched.most[name] - idle[name] <= 8 * MIB for name in GATEWAYS} == dict.fromkeys(GATEWAYS, True)

    def one(number: int) -> bool:
        with Client(place) as client:
            if number % 2:
                client.upload(f"{FILES}/one", content(4 * MIB), 4 * MIB)
                return client.answer().status == 201
            client.ask("GET", f"{FILES}/{4 * MIB}")
            return client.answer().facts == (200, 4 * MIB, digest(4 * MIB), True)

    with Watched(place) as watched, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(8)))
    assert {name: watched.most[name] - idle[name] <= 64 * MIB for name in GATEWAYS} == dict.fromkeys(GATEWAYS, True)


def test_who_reads_slowly_stops_its_own_body_alone(place: Place, files: Files, portal: Connections) -> None:
    with Client(place) as slow:
        slow.ask("GET", f"{FILES}/{64 * MIB}")
        slow.head()  # and reads no further
        time.sleep(0.5)
        with Watched(place) as watched:
            begun = time.monotonic()
            for _ in range(20):
                assert place.ask(f"{FILES}/10", client=portal, method="GET", Onedoor_Purpose="hand-over").status == 200
            with Client(place) as other:
                other.ask("GET", f"{FILES}/{SIZE}")
                assert other.answer().whole
            assert time.monotonic() - begun < 20
        assert max(watched.most.values()) < 120 * MIB
        assert slow.answer_of(64 * MIB).size == 64 * MIB


@pytest.mark.parametrize("chunked", ["", "chunked&"], ids=["known-length", "chunked"])
def test_what_breaks_off_is_never_complete_and_touches_nothing_else(
    place: Place, files: Files, portal: Connections, chunked: str
) -> None:
    with Client(place) as client, Client(place) as other:
        other.ask("GET", f"{FILES}/{8 * MIB}")
        client.ask("GET", f"{FILES}/{8 * MIB}?{chunked}stop={4 * MIB}")
        broken = client.answer()
        assert (broken.status, broken.whole) == (200, False)
        assert MIB < broken.size < 8 * MIB
        assert other.answer().facts == (200, 8 * MIB, digest(8 * MIB), True)
    with Client(place) as client:
        framing = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": str(8 * MIB)}
        client.ask("POST", f"{FILES}/broken", **framing)
        client.socket.sendall((b"%x\r\n" % (8 * MIB) if chunked else b"") + b"".join(content(4 * MIB)))
    assert files.whole() == [False]
    with Client(place) as client:
        client.ask("GET", f"{FILES}/{64 * MIB}")
        client.head()
    assert place.ask(f"{FILES}/10", client=portal, method="GET", Onedoor_Purpose="hand-over").status == 200
    assert not [one for kind, one in logged(place, "G01") if kind == 2 and one.passed and b"/broken\r\n" in one.head]


def test_a_download_that_broke_off_goes_on_where_it_was_with_the_digest_of_the_whole(
    place: Place, client: Client, files: Files
) -> None:
    with Client(place) as first:
        first.ask("GET", f"{FILES}/{8 * MIB}?stop={4 * MIB}", X_Road_Id="part-1")
        broken = first.answer()
    client.ask("GET", f"{FILES}/{8 * MIB}", X_Road_Id="part-2", Range=f"bytes={broken.size}-", If_Range='"1"')
    rest = client.answer()
    assert (rest.status, rest.whole) == (206, True)
    assert rest.headers["content-range"] == f"bytes {broken.size}-{8 * MIB - 1}/{8 * MIB}"
    whole = b"".join(content(8 * MIB))
    assert rest.digest == hashlib.sha512(whole[broken.size :]).hexdigest()
    said = f"sha-512=:{base64_of(digest(8 * MIB))}:"
    assert (broken.headers["repr-digest"], rest.headers["repr-digest"]) == (said, said)
    signed = [one.head for kind, one in logged(place, "G22") if kind == 4 and b"part-2" in one.head and one.passed]
    assert len(signed) == 1
    assert f"\r\nRepr-Digest:{said}\r\n".encode() in signed[0]


def test_a_request_that_is_refused_is_answered_while_its_body_is_still_sent(
    place: Place, files: Files, portal: Connections
) -> None:
    with Client(place) as client:
        client.upload(f"{FILES}/one", content(2 * MIB), 2 * MIB, Onedoor_Purpose="none-such")
        answer = client.answer()
        assert answer.headers["x-road-error"] == "Server.ServerProxy.AccessDenied"
    assert files.seen == []


def test_a_kill_in_the_middle_leaves_whole_logs_and_what_was_complete_in_both(place: Place, files: Files) -> None:
    with Client(place) as client:
        client.upload(f"{FILES}/one", content(SIZE), SIZE, X_Road_Id="killed-whole")
        assert client.answer().status == 201
        client.ask("GET", f"{FILES}/{64 * MIB}", X_Road_Id="killed-half")
        client.head()
        place.kill("gateway-G01")
        broken = client.answer_of(64 * MIB)
        assert not broken.whole
    place.start("gateway-G01")
    for member in ("G22", "G01"):
        assert reading.verify_gateway(place.seats[member].gateway_state).faults == ()
        closed = [one.head for _, one in logged(place, member) if one.passed]
        assert sum(b"killed-whole" in head for head in closed) == 1
        assert not any(b"killed-half" in head for head in closed)

    def goes_on() -> bool:
        with Client(place) as client:
            client.ask("GET", f"{FILES}/{SIZE}")
            return client.answer().facts == (200, SIZE, digest(SIZE), True)

    wait_for(goes_on, "large bodies after the kill")


@pytest.fixture(scope="module")
def false(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("false"), free_base(), before=FALSE) as place:
        for name in GATEWAYS:
            place.environments[name] |= {"ONEDOOR_LARGEST_BODY": "4"}
        place.start("directory", *GATEWAYS)
        yield place


def test_a_body_with_another_digest_than_was_signed_is_never_complete(false: Place) -> None:
    files = Files()
    with system_of(false, "G01", files), Client(false) as client:
        client.upload(f"{FILES}/one", content(SIZE), SIZE)
        refused = client.answer()
        assert refused.headers["x-road-error"] == "Server.ServerProxy.InvalidSignatureValue"
        assert files.whole() == [False]
        for query in ("", "?chunked"):
            with Client(false) as other:
                other.ask("GET", f"{FILES}/{SIZE}{query}")
                assert not other.answer().whole


def test_a_body_has_at_most_what_the_setting_says(false: Place) -> None:
    files = Files()
    with system_of(false, "G01", files):
        for size in (5 * MIB, None):
            with Client(false) as client:
                client.upload(f"{FILES}/one", content(5 * MIB), size)
                refused = client.answer()
                assert (refused.status, refused.headers["x-road-error"]) == (400, "Client.BadRequest")
        with Client(false) as client:
            client.ask("GET", f"{FILES}/{5 * MIB}")
            refused = client.answer()
            assert refused.headers["x-road-error"] == "Server.ServerProxy.InvalidBody"
            client.ask("GET", f"{FILES}/{5 * MIB}?chunked")
            assert not client.answer().whole
    assert not any(whole for _, _, whole in files.taken)


def test_hostile_frames_end_their_link_alone(place: Place, files: Files, client: Client) -> None:
    client.ask("GET", f"{FILES}/{8 * MIB}")
    for frame in (
        batches.frame(batches.BODY, b"x"),
        batches.frame(batches.CREDIT, b"x"),
        batches.frame(batches.RESET, b"x" * 18),
        batches.frame(9, b""),
    ):
        hostile = HostileGateway(place)
        hostile.socket.sendall(frame)
        assert closed(hostile)
    hostile = HostileGateway(place)
    refused = hostile.send(head_of(f"{FILES}/one", Onedoor_Purpose="hand-over", Onedoor_Stream="5x"))
    assert b"Server.ServerProxy.InvalidRequest" in refused
    large = hostile.send(head_of(f"{FILES}/{12 * MIB}", method=b"GET", Onedoor_Purpose="hand-over"))
    assert b"Server.ServerProxy.NetworkError" in large, "who does not take streams is sent none"
    hostile.close()
    assert client.answer().facts == (200, 8 * MIB, digest(8 * MIB), True)


def test_a_body_comes_no_faster_than_it_is_wanted(place: Place, files: Files) -> None:
    hostile, request = HostileGateway(place), uuid7_text()
    head = head_of(
        f"{FILES}/held", Onedoor_Purpose="hand-over", Onedoor_Stream=str(64 * MIB), X_Road_Request_Id=request
    )
    wanted = hostile.send(head, body=b"")
    assert wanted == bytes([batches.CREDIT]) + UUID(request).bytes + (streams.WINDOW).to_bytes(4)
    frame = streams.BODY_HEAD.pack(streams.KEY + MIB, batches.BODY, UUID(request).bytes) + bytes(MIB)
    with suppress(OSError):  # the link may end before all of it left
        for _ in range(64):
            hostile.socket.sendall(frame)
    assert closed(hostile)
    assert files.whole() == [False]


def closed(hostile: HostileGateway) -> bool:
    """Return whether the other end closes the link."""
    with hostile.socket:
        try:
            while hostile.socket.recv(2**16):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
    return True


def logged(place: Place, member: str) -> Iterator[tuple[int, Message]]:
    state = place.seats[member].gateway_state
    for one in reading.messages(state / "log", (state / "log.key").read_bytes()):
        yield one.kind, one.message


def size_of_log(place: Place, member: str) -> int:
    state = place.seats[member].gateway_state
    records = reading.records(state / "log", (state / "log.key").read_bytes())
    return sum(len(one.payload or b"") for one in records)
