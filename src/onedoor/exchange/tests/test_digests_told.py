"""A system tells the digest of a large body that it sends (Content-Digest, RFC 9530): its gateway holds it to that."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from onedoor.exchange.connections import Connections
from onedoor.exchange.gateway.bodies import told
from onedoor.exchange.gateway.messages import Fields
from onedoor.exchange.tests.large import FILES, MIB, Client, Files, content, digest
from onedoor.exchange.tests.nation import Place, system_of, wait_for
from onedoor.exchange.tests.test_large import logged

SIZE, ALL = 3 * MIB + 17, b"".join(content(3 * MIB + 17))
KINDS = ("sha-512", "sha-256")
INVALID = "Server.ClientProxy.InvalidBody"


def digest_of(name: str, data: bytes) -> str:
    return f"{name}=:{base64.b64encode(hashlib.new(name.replace('-', ''), data).digest()).decode()}:"


@pytest.fixture
def files(place: Place) -> Iterator[Files]:
    files = Files()
    with system_of(place, "G01", files):
        yield files


@pytest.mark.parametrize("chunked", [False, True], ids=["known-length", "chunked"])
@pytest.mark.parametrize("name", KINDS)
def test_a_request_whose_body_is_the_one_it_tells_of_passes(
    place: Place, files: Files, name: str, *, chunked: bool
) -> None:
    with Client(place) as client:
        told_ = digest_of(name, ALL)
        client.upload(f"{FILES}/one", content(SIZE), None if chunked else SIZE, Content_Digest=told_)
        assert client.answer().status == 201
    assert files.taken == [(SIZE, digest(SIZE), True)]
    assert files.seen[-1]["headers"]["content-digest"] == told_  # type: ignore[index]


@pytest.mark.parametrize("chunked", [False, True], ids=["known-length", "chunked"])
@pytest.mark.parametrize("name", KINDS)
def test_a_request_whose_body_is_another_than_it_tells_of_is_never_complete(
    place: Place, files: Files, portal: Connections, name: str, *, chunked: bool
) -> None:
    with Client(place) as client:
        size, message = None if chunked else SIZE, f"other-{name}-{chunked}"
        client.upload(f"{FILES}/one", content(SIZE), size, Content_Digest=digest_of(name, b"other"), X_Road_Id=message)
        answer = client.answer()
    assert (answer.status, answer.headers["x-road-error"]) == (500, INVALID)
    assert b"Content-Digest" in answer.start
    assert files.whole() == [False]
    for member in ("G22", "G01"):
        assert not [one for _, one in logged(place, member) if one.passed and message.encode() in one.head]
    assert place.ask(f"{FILES}/10", client=portal, method="GET", Onedoor_Purpose="hand-over").status == 200


@pytest.mark.parametrize("chunked", ["", "chunked&"], ids=["known-length", "chunked"])
@pytest.mark.parametrize("name", KINDS)
def test_an_answer_is_whole_only_if_its_body_is_the_one_it_tells_of(
    place: Place, files: Files, name: str, chunked: str
) -> None:
    for data, whole in ((ALL, True), (b"other", False)):
        files.told, message = digest_of(name, data), f"answer-{name}-{len(chunked)}-{whole}"
        with Client(place) as client:
            client.ask("GET", f"{FILES}/{SIZE}?{chunked}", X_Road_Id=message)
            answer = client.answer()
        assert (answer.status, answer.whole) == (200, whole)
        assert answer.headers["content-digest"] == files.told
        for member in ("G22", "G01"):
            closed = [one for _, one in logged(place, member) if one.passed and message.encode() in one.head]
            assert len(closed) == whole
    wait_for(lambda: '"Server.ServerProxy.InvalidBody"' in place.output("gateway-G01"), "the gateway says why")


def test_the_answer_to_a_range_is_held_to_the_digest_of_its_part(place: Place, files: Files) -> None:
    for data, whole in ((ALL[MIB:], True), (ALL, False)):
        files.told = digest_of("sha-512", data)
        with Client(place) as client:
            client.ask("GET", f"{FILES}/{SIZE}", Range=f"bytes={MIB}-")
            answer = client.answer()
        assert (answer.status, answer.whole) == (206, whole)


def test_what_is_small_stands_in_the_evidence_itself_and_is_passed_as_it_is(
    place: Place, files: Files, portal: Connections
) -> None:
    other = digest_of("sha-512", b"other")
    answer = place.ask(f"{FILES}/10", client=portal, method="GET", Onedoor_Purpose="hand-over", Content_Digest=other)
    assert answer.status == 200


FULL = {name: digest_of(name, b"x") for name in KINDS}


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ([FULL["sha-512"]], "sha-512"),
        ([f"{FULL['sha-256']}, {FULL['sha-512']}"], "sha-512"),
        ([FULL["sha-256"], FULL["sha-512"]], "sha-512"),
        ([f"md5=:AAAA:,\t{FULL['sha-256']};q=1"], "sha-256"),
        ([f"sha-512=:AAAA:, {FULL['sha-512']}"], "sha-512"),
        (["md5=:AAAA:"], ""),
        ([f"x{FULL['sha-512']}"], ""),
        ([f"a=1;{FULL['sha-512']}"], ""),
        (["sha-512=abc"], ""),
        ([], ""),
    ],
)
def test_the_digest_told_is_that_by_sha_512_or_else_by_sha_256(said: list[str], known: str) -> None:
    found = told(Fields([(b"Content-Digest", one.encode()) for one in said]))
    assert found == ((known, hashlib.new(known.replace("-", ""), b"x").digest()) if known else None)


@pytest.mark.parametrize("value", ["::", ":AAAA:"])
def test_a_digest_of_another_length_is_that_of_no_body(value: str) -> None:
    found = told(Fields([(b"content-digest", f"sha-512={value}".encode())]))
    assert found is not None
    assert found[1] in (b"", b"\0\0\0")
