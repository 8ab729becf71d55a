"""A provider's gateway that means no good: what it answers is refused, and told to who asked as an error."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onedoor.exchange.connections import Connections, Request
from onedoor.exchange.gateway import monitoring, reading, records, segments
from onedoor.exchange.gateway.messages import Message
from onedoor.exchange.tests.hostile import HostileProvider, answer_to
from onedoor.exchange.tests.nation import LOOKUP, PROVIDER, WHY, Place, free_base, wait_for
from onedoor.exchange.tests.test_monitoring import criteria, question
from onedoor.exchange.tests.test_watching import ask as look

SECRET = b'{"forged": true}'
PATIENT = "from onedoor.exchange.gateway import asking; asking.PATIENCE = 4.0"
REFUSED, OTHERS = "Server.ClientProxy.InvalidSignatureValue", "Server.ClientProxy.InconsistentResponse"


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Only the gateway that asks is ours."""
    with Place(tmp_path_factory.mktemp("var"), free_base(), before=PATIENT) as place:
        place.start("gateway-G22")
        yield place


@pytest.fixture(scope="module")
def provider(lonely: Place) -> Iterator[HostileProvider]:
    with HostileProvider(lonely) as provider:
        yield provider


@pytest.fixture
def hostile(provider: HostileProvider) -> HostileProvider:
    provider.awaited, provider.key, provider.flip, provider.apart = 1, "G01", None, False
    provider.forged = lambda asked: [Message.of(answer_to(asked[0]), SECRET)]
    return provider


@pytest.fixture
def asking(lonely: Place) -> Iterator[Connections]:
    client = lonely.client()
    yield client
    client.close()


def refused(place: Place, member: str = "G22") -> int:
    """Return how many batches stand in the log of *member*'s gateway as refused."""
    return logged(place, member)[reading.REFUSED]


def logged(place: Place, member: str = "G22") -> Counter[int]:
    """Return how many batches of each kind stand in the log of *member*'s gateway."""
    folder = place.seats[member].gateway_state
    key = (folder / "log.key").read_bytes()
    paths = sorted((folder / "log").glob("*.log"))
    return Counter(record.kind for path in paths for record in segments.records(path, key))


def test_an_answer_by_hand_is_taken_when_all_is_right(
    lonely: Place, hostile: HostileProvider, asking: Connections
) -> None:
    before = refused(lonely)
    answer = lonely.ask(client=asking)
    assert (answer.status, answer.body) == (200, SECRET)
    assert refused(lonely) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6))
def test_an_answer_with_a_flipped_byte_is_refused_and_logged(
    lonely: Place, hostile: HostileProvider, asking: Connections, anywhere: int
) -> None:
    hostile.flip = anywhere
    before = refused(lonely)
    answer = lonely.ask(client=asking)
    assert answer.headers["x-road-error"] in {REFUSED, "Server.ClientProxy.InvalidRequest"}
    assert json.loads(answer.body)["type"] == answer.headers["x-road-error"]
    assert b"forged" not in answer.body
    assert refused(lonely) == before + 1


def test_an_answer_changed_in_its_body_or_under_a_strangers_key_has_no_valid_signature(
    lonely: Place, hostile: HostileProvider, asking: Connections
) -> None:
    before = refused(lonely)
    for hostile.flip, hostile.key in ((-1, "G01"), (None, "G15")):
        answer = lonely.ask(client=asking)
        assert (answer.status, answer.headers["x-road-error"]) == (500, REFUSED)
        assert b"forged" not in answer.body
    assert refused(lonely) == before + 2


@pytest.mark.parametrize("signed", [True, False])
def test_answers_that_nobody_asked_for_are_logged_no_more_often_than_something_was_asked(
    lonely: Place, hostile: HostileProvider, asking: Connections, *, signed: bool
) -> None:
    before = logged(lonely)
    hostile.apart, hostile.flip = True, None if signed else 0
    hostile.forged = lambda asked: [Message.of(answer_to(asked[0]), SECRET)] * 100
    told = lonely.ask(client=asking).headers.get("x-road-error")
    assert told == (None if signed else "Server.ClientProxy.InvalidRequest")
    hostile.forged, hostile.flip = lambda asked: [Message.of(answer_to(one), SECRET) for one in asked], None
    wait_for(lambda: lonely.ask(client=asking).status == 200, "the link is made anew")
    after = logged(lonely)
    assert after[reading.REFUSED] == before[reading.REFUSED] + 1
    assert after[reading.RECEIVED_RESPONSES] - before[reading.RECEIVED_RESPONSES] < 10


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("X_Road_Request_Hash", ""),
        ("X_Road_Request_Hash", "A" * 88),
        ("X_Road_Id", "another"),
        ("X_Road_Client", "VN/GOV/G15/CIVIL-STATUS"),
        ("X_Road_Service", f"{PROVIDER}/residence"),
    ],
)
def test_a_signed_answer_to_another_request_is_not_handed_on(
    lonely: Place, hostile: HostileProvider, asking: Connections, name: str, said: str
) -> None:
    hostile.forged = lambda asked: [Message.of(answer_to(asked[0], **{name: said}), SECRET)]
    answer = lonely.ask(client=asking)
    assert (answer.status, answer.headers["x-road-error"]) == (500, OTHERS)
    assert b"forged" not in answer.body


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Connection", ""])
def test_an_answer_that_says_itself_where_it_ends_brings_no_other_with_it(
    lonely: Place, hostile: HostileProvider, asking: Connections, name: str
) -> None:
    another = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

    def forged(asked: list[Message]) -> list[Message]:
        head = answer_to(asked[0])
        head = head + f"{name}:0\r\n".encode() if name else head.replace(b"200", b"100", 1)
        return [Message.of(head, another)]

    hostile.forged = forged
    answer = lonely.ask(client=asking)
    assert (answer.status, answer.headers.get("x-road-error")) == (500, OTHERS)
    assert b"forged" not in answer.body
    hostile.forged = lambda asked: [Message.of(answer_to(asked[0]), b'"good"')]
    assert lonely.ask(client=asking).body == b'"good"'


@pytest.mark.parametrize("bad", ["nonsense", "of another request"])
def test_a_bad_answer_costs_the_good_one_of_its_batch_nothing(
    lonely: Place, hostile: HostileProvider, asking: Connections, bad: str
) -> None:
    def forged(asked: list[Message]) -> list[Message]:
        first = b"nonsense" if bad == "nonsense" else answer_to(asked[0], X_Road_Request_Hash="A" * 88)
        return [Message.of(first, SECRET), Message.of(answer_to(asked[1]), b'"good"')]

    hostile.forged, hostile.awaited = forged, 2
    requests = [Request("POST", LOOKUP, WHY | {"X-Road-Id": f"{bad}-{number}"}, b"{}") for number in range(2)]
    found = asking.exchange(requests, 30)
    told = sorted((one.status, one.headers.get("x-road-error"), one.body) for one in found)  # type: ignore[union-attr]
    assert told[0] == (200, None, b'"good"')
    assert told[1][1] == ("Server.ClientProxy.NetworkError" if bad == "nonsense" else OTHERS)
    assert b"forged" not in told[1][2]


def wrong(asked: Message, type_: str, **told: str) -> Message:
    """Return the answer to what was *asked* that tells an error."""
    body = json.dumps({"message": "no", "detail": "1"} | told).encode()
    return Message.of(answer_to(asked, X_Road_Error=type_), body)


def test_an_error_in_signs_that_are_none_costs_no_record_of_other_messages(
    lonely: Place, hostile: HostileProvider, asking: Connections
) -> None:
    kept = lonely.seats["G22"].gateway_state / records.FOLDER
    hostile.forged, hostile.awaited = lambda asked: [wrong(one, OTHERS, message="a \ud800 b") for one in asked], 2
    names = {"first-of-two", "second-of-two"}
    requests = [Request("POST", LOOKUP, WHY | {"X-Road-Id": name, "Accept": "text/xml"}, b"{}") for name in names]
    for answer in asking.exchange(requests, 30):
        assert ET.fromstring(answer.body).findtext("message") == "a  b"  # type: ignore[union-attr]
    wait_for(
        lambda: names <= {one.id for _, one in records.found(kept, 0, 2**40, lambda _: True, 10**6)[0]},
        "both have their record",
    )


def test_an_error_told_over_soap_stays_inside_its_element_and_is_none_of_ours(
    lonely: Place, hostile: HostileProvider, asking: Connections
) -> None:
    ask = Request("POST", "/", {"Content-Type": "text/xml"}, question(monitoring.DATA, criteria(0, 1)).encode())
    for type_, code in (("Of.Theirs", "Of.Theirs"), ("<forged/>", "Server.ClientProxy.NetworkError")):
        hostile.forged = lambda asked, type_=type_: [wrong(asked[0], type_, message="<a/>", detail="<forged/>")]  # type: ignore[misc]
        (answer,) = asking.exchange([ask], 30)
        assert b"forged" not in answer.body  # type: ignore[union-attr]
        assert ET.fromstring(answer.body).findtext(".//faultcode") == code  # type: ignore[union-attr]
    assert "Of.Theirs" not in look(lonely, "gateway-G22", "/metrics")[1]
