"""The door: calls through real gateways, and who is believed."""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from threading import Event
from types import SimpleNamespace

import pytest

from onedoor.exchange import connections, service
from onedoor.exchange.connections import Connections, Request
from onedoor.exchange.service import (
    Answer,
    AnswerTooLong,
    Call,
    NotThroughGateway,
    ProviderError,
    Reason,
    Refused,
    ServiceUnavailable,
    ask_each,
    call,
    call_many,
    caller,
    start_waiting,
    waited,
)
from onedoor.exchange.tests.hostile import Hostile, Then, answering
from onedoor.exchange.tests.nation import Place, System

pytestmark = pytest.mark.usefixtures("as_portal")
POPULATION = "VN/GOV/G01/POPULATION/population"
REASON = Reason("birth-form", "nd63-2024.4.5", "2611-7K4M-Q8")


@pytest.fixture(autouse=True)
def refused(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What gateways refused: these tests have no database to keep it in."""
    kept: list[Call] = []
    monkeypatch.setattr(service, "_keep_refusal", kept.append)
    return kept


def client_of(place: Place, url: str) -> Connections:
    """Return the connections of the portal to what answers at *url* in the place of its gateway."""
    state = place.seats["G22"].state
    return Connections(url, state / "tls.pem", state / "tls.key", state / "tls-trust.pem")


@dataclass
class Told:
    """What a system of these tests answers, as far as it is looked at."""

    path: str


def test_an_answer_is_read_as_what_it_must_be_and_another_is_none(system: System) -> None:
    first, second, third = (
        Call(POPULATION, "lookup", {}, reason=REASON, user="a", answered=one) for one in (Told, list[Told], None)
    )
    good, bad, any_ = call_many([first, second, third])
    assert isinstance(good, Answer)
    assert good.body == Told("/exchange/population/lookup")
    assert isinstance(bad, ServiceUnavailable)
    assert isinstance(any_, Answer)
    assert isinstance(any_.body, dict)
    system.reply = lambda _: (404, b'{"error": "why"}', "")
    (failed,) = call_many([first])
    assert isinstance(failed, ProviderError)
    system.reply = lambda _: (200, b"<html>", "text/html")
    (nothing,) = call_many([first])
    assert isinstance(nothing, ServiceUnavailable)


def test_no_answer_is_read_that_is_longer_than_asked_for_or_than_ten_mebibytes(system: System) -> None:
    question = Call(POPULATION, "lookup", {}, reason=REASON, user="a")
    for length, most in ((9 * 2**20, 0), (11 * 2**20, 2**24)):
        system.reply = lambda _, length=length: (200, b'{"fits": 1}'.ljust(length), "")  # type: ignore[misc]
        (answer,) = call_many([replace(question, most=most) if most else question])
        assert isinstance(answer, Answer)
        assert answer.body == {"fits": 1}
    with pytest.raises(AnswerTooLong, match=r"Public Security .+ more than the 10485760 bytes"):
        call(POPULATION, "lookup", {}, reason=REASON, user="a")
    with pytest.raises(AnswerTooLong, match="more than the 65536 bytes"):
        call(POPULATION, "lookup", {}, reason=REASON, user="a", most=2**16)


def test_a_call_brings_the_answer_and_says_who_asks_and_why(system: System) -> None:
    answer = call(POPULATION, "lookup", {"by": {"number": "ă"}}, reason=REASON, user="account-7", key="k")
    assert answer.status == 200
    assert answer.body["path"] == "/exchange/population/lookup"
    headers = answer.body["headers"]
    assert (headers["onedoor-purpose"], headers["onedoor-basis"]) == ("birth-form", "nd63-2024.4.5")
    assert (headers["x-road-issue"], headers["x-road-userid"]) == ("2611-7K4M-Q8", "account-7")
    assert (headers["idempotency-key"], headers["x-road-client"]) == ("k", "VN/GOV/G22/PORTAL")
    assert answer.message_id == headers["x-road-id"]


def test_a_connection_is_kept_for_the_next_call(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    call(POPULATION, "lookup", {}, reason=REASON, user="a")
    monkeypatch.delattr(connections.socket, "create_connection")
    for _ in range(3):
        assert call(POPULATION, "lookup", {}, reason=REASON, user="a").status == 200
    monkeypatch.setattr(connections, "IDLE", -1.0)
    with pytest.raises(AttributeError, match="create_connection"):  # one that rested for too long is not
        call(POPULATION, "lookup", {}, reason=REASON, user="a")


@contextmanager
def told(
    place: Place, first: bytes, then: Then = lambda *_: None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> Iterator[Connections]:
    """Give the portal's connections to a gateway that answers a request with *first*, and does *then*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    state = place.seats["G22"].gateway_state
    context.load_cert_chain(state / "inner.pem", state / "inner.key")
    with Hostile(first, then, context) as gateway, closing(client_of(place, gateway.url)) as client:
        yield client


def body_of(client: Connections, most: int = 0) -> bytes:
    (answer,) = client.exchange([Request("GET", "/", {}, b"", most)], 5)
    if isinstance(answer, Exception):
        raise answer
    return answer.body


def test_what_is_no_answer_or_too_long_is_a_fault_and_so_is_an_older_tls(place: Place) -> None:
    with told(place, b"SSH-2.0\r\n\r\n") as client, pytest.raises(connections.ConnectionLost):
        body_of(client)
    whole = answering(b"asked")
    with told(place, whole) as client:
        assert body_of(client, len(whole)) == b"asked"
        with pytest.raises(connections.TooLarge):
            body_of(client, len(whole) - 1)
    with told(place, whole, newest=ssl.TLSVersion.TLSv1_2) as client, pytest.raises(ssl.SSLError):
        body_of(client)


def test_what_comes_while_a_connection_rests_is_the_answer_to_no_question(place: Place) -> None:
    def unasked(connection: socket.socket, over: Event) -> None:
        connection.sendall(answering(b"unasked"))
        over.wait(10)

    with told(place, answering(b"asked"), unasked) as client:
        for _ in range(2):
            assert body_of(client) == b"asked"
            assert select.select([client._resting[0]._socket], [], [], 5)[0]


def test_what_a_connection_that_rested_loses_is_asked_once_more_and_nothing_else(place: Place) -> None:
    lost = list[bytes]()

    def lose(connection: socket.socket, _: Event) -> None:
        lost.append(connection.recv(2**16))

    with told(place, answering(b"asked"), lose) as client:
        assert [body_of(client) for _ in range(2)] == [b"asked"] * 2
        assert len(lost) == 1
    new = list[bytes]()
    with told(place, b"", lambda *_: new.append(b"")) as client, pytest.raises(connections.ConnectionLost):
        body_of(client)
    assert len(new) == 1


def test_so_many_connections_rest_and_none_that_the_gateway_will_close(place: Place) -> None:
    def hold(_: socket.socket, over: Event) -> None:
        over.wait(10)

    with told(place, answering(b"asked"), hold) as client:
        client._most_resting = 2
        client.exchange([Request("GET", "/", {}, b"")] * 4, 5)
        assert len(client._resting) == 2
    closing_ = answering(b"asked").replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    with told(place, closing_) as client:
        assert (body_of(client), client._resting) == (b"asked", [])


def test_many_calls_go_at_the_same_time_and_keep_their_order(system: System) -> None:
    calls = [Call(POPULATION, "lookup", {"n": number}, reason=REASON, user="a") for number in range(12)]
    calls.append(Call(POPULATION, "lookup", {}, reason=Reason("other", "x"), user="a"))
    answers = call_many(calls)
    assert [one.body["body"] for one in answers[:12] if isinstance(one, Answer)] == [
        f'{{"n": {number}}}' for number in range(12)
    ]
    assert isinstance(answers[12], Refused)


def test_all_are_asked_before_the_first_answer_is_waited_for(system: System) -> None:
    calls = [Call(POPULATION, "lookup", {"n": number}, reason=REASON, user="a") for number in range(3)]
    start_waiting()
    answers = ask_each(calls)
    while len(system.seen) < len(calls):
        time.sleep(0.01)
    assert waited() == 0
    assert [one.body["body"] for one in answers if isinstance(one, Answer)] == [f'{{"n": {n}}}' for n in range(3)]
    assert waited() > 0


@pytest.mark.parametrize("taken", [0, 1])
def test_who_stops_early_never_gets_the_answer_to_another_question(system: System, taken: int) -> None:
    calls = [Call(POPULATION, "lookup", {"n": number}, reason=REASON, user="a") for number in range(3)]
    answers = ask_each(calls)
    for _ in range(taken):
        next(answers)
    del answers
    for number in range(10, 16):
        assert call(POPULATION, "lookup", {"n": number}, reason=REASON, user="a").body["body"] == f'{{"n": {number}}}'


def test_a_question_that_cannot_be_sent_ends_those_sent_before_it(system: System) -> None:
    good, bad = (Call(POPULATION, "lookup", {"n": 1}, reason=Reason(one, "x"), user="a") for one in ("birth-form", "ă"))
    with pytest.raises(ValueError, match="Onedoor-Purpose"):
        call_many([good, bad])
    assert call(POPULATION, "lookup", {"n": 2}, reason=REASON, user="a").body["body"] == '{"n": 2}'


def test_a_purpose_that_is_not_granted_is_refused_and_kept_here_for_it_reaches_nobody(
    system: System, refused: list[Call]
) -> None:
    with pytest.raises(Refused):
        call(POPULATION, "lookup", {}, reason=Reason("curiosity", "none"), user="a")
    assert [one.reason.purpose for one in refused] == ["curiosity"]


@pytest.mark.parametrize(
    ("status", "error"), [(403, Refused), (503, ServiceUnavailable), (404, ProviderError), (500, ProviderError)]
)
def test_a_status_of_the_provider_is_an_error_with_its_answer(
    system: System, status: int, error: type, refused: list[Call]
) -> None:
    system.reply = lambda _: (status, b'{"error": "why"}', "")
    with pytest.raises(error) as caught:
        call(POPULATION, "lookup", {}, reason=REASON, user="a")
    assert not refused, "the provider's own system has recorded what it refused"
    if isinstance(caught.value, ProviderError):
        assert caught.value.answer.body == {"error": "why"}


def test_a_service_that_is_away_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable, match="Ministry of Public Security"):
        call(POPULATION, "lookup", {}, reason=REASON, user="a")
    with pytest.raises(ServiceUnavailable):
        call("VN/GOV/G24/INSURANCE/insurance", "lookup", {}, reason=REASON, user="a")


def test_many_questions_wait_for_a_gateway_that_hangs_no_longer_than_one(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        client = client_of(place, f"https://127.0.0.1:{gateway.getsockname()[1]}")
        begun = time.monotonic()
        answers = client.exchange([Request("GET", "/", {}, b"")] * 8, 0.3)
        assert time.monotonic() - begun < 1.5
    assert {type(one) for one in answers} == {TimeoutError}


def test_what_a_header_cannot_carry_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="X-Road-UserId"):
        call(POPULATION, "lookup", {}, reason=REASON, user="a\r\nOnedoor-Purpose: x")


def test_a_connection_that_the_gateway_closed_is_replaced(place: Place, system: System) -> None:
    assert call(POPULATION, "lookup", {}, reason=REASON, user="a").status == 200
    place.kill("gateway-G22")
    place.start("gateway-G22")
    assert call(POPULATION, "lookup", {}, reason=REASON, user="a").status == 200


def test_headers_count_only_when_they_came_through_the_own_gateway() -> None:
    forged = {
        "HTTP_X_ROAD_CLIENT": "VN/GOV/G22/PORTAL",
        "HTTP_ONEDOOR_PURPOSE": "birth-form",
        "HTTP_ONEDOOR_GATEWAY": "1",
    }
    with pytest.raises(NotThroughGateway):
        caller(SimpleNamespace(META=forged))
    real = caller(SimpleNamespace(META=forged | {service.VIA_GATEWAY: "VN/GOV/G01/GATEWAY"}))
    assert (real.client, real.purpose, real.case) == ("VN/GOV/G22/PORTAL", "birth-form", "")
