"""A hundred random messages through two gateways: each container that one of them hands out holds before others."""

import io
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onedoor.exchange.connections import Request, Response
from onedoor.exchange.gateway import asic, batches, reading
from onedoor.exchange.gateway.messages import Message, request_head
from onedoor.exchange.gateway.segments import Record
from onedoor.exchange.tests.nation import LOOKUP, PROVIDER, WHY, Place, System, system_of
from onedoor.exchange.tests.test_asic import PORTAL, asked, unpacked
from onedoor.exchange.tests.test_writing_evidence import SIGNATURES, XADES, apart, ran, unpack, walked
from onedoor.signing.asice import integrity
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

HOW_MANY, AT_ONCE = 100, 16
Containers = dict[tuple[str, str], bytes]
"""By the member whose gateway handed them out, and their names."""


@pytest.fixture(scope="module")
def sent() -> dict[str, Request]:
    """Return random messages by their ids."""
    chance = random.Random(11)
    found = {}
    for number in range(HOW_MANY):
        body = chance.randbytes(chance.randrange(1, 3000))
        other = "".join(chance.choice("a&<>'\"]:") for _ in range(chance.randrange(1, 20)))
        more = {"X-Road-Id": f"many-{number}", "X-Road-Issue": f"case-{chance.randrange(10**6)}", "X-Other": other}
        found[f"many-{number}"] = Request("POST", f"{LOOKUP}?n={chance.randrange(10**6)}", WHY | more, body)
    return found


@pytest.fixture(scope="module")
def containers(place: Place, sent: dict[str, Request]) -> Containers:
    every = list(sent.values())
    backwards = System(reply=lambda one: (200, str(one["body"]).encode("latin-1")[::-1], ""))
    with system_of(place, "G01", backwards), ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda first: exchange(place, every[first::AT_ONCE]), range(AT_ONCE)))
    found = {}
    for member, subsystem in (("G22", PORTAL), ("G01", PROVIDER)):
        with closing(place.client(member)) as client:
            for one in sent:
                answer = asked(client, one, subsystem, "&force")
                found |= {(member, name): data for name, data in unpacked(answer.body).items()}
    assert len(found) == 4 * HOW_MANY
    return found


def exchange(place: Place, requests: list[Request]) -> None:
    with closing(place.client()) as client:
        for request in requests:
            (found,) = client.exchange([request], 20)
            assert isinstance(found, Response), found
            assert found.status == 200, found.body


def test_each_holds_what_was_sent_and_why(containers: Containers, sent: dict[str, Request]) -> None:
    for (_, name), data in containers.items():
        found = integrity.check(io.BytesIO(data))
        assert (found.verdict, found.findings) == ("valid", [])
        entries, (one, kind, _) = unpacked(data), name.rsplit("-", 2)
        request = sent[one]
        assert entries["attachment1"] == (request.body if kind == "request" else request.body[::-1])
        for header in ("Onedoor-Purpose", "Onedoor-Basis", "X-Road-Issue", "X-Other") if kind == "request" else ():
            assert f"\r\n{header}:{request.headers[header]}\r\n".encode() in entries["message.xml"]


def test_an_independent_walk_of_their_chains_comes_to_what_is_signed_and_stamped(containers: Containers) -> None:
    for data in containers.values():
        entries = unpacked(data)
        assert walked(entries, "sig") == {"message.xml", "attachment1"}
        assert walked(entries, "ts") == {SIGNATURES}


@pytest.mark.skipif(not shutil.which("xmlsec1"), reason="xmlsec1 is not installed")
def test_xmlsec1_accepts_the_signature_of_each(containers: Containers, tmp_path: Path) -> None:
    signed = apart(list(containers.values()), SIGNATURES, "sig-hashchainresult.xml")
    assert len(signed) < len(containers) / 2, "batches of several messages"
    known = ("xmlsec1", "--verify", "--insecure", "--id-attr:Id", f"{XADES}:SignedProperties")
    mapped = ("--url-map:/sig-hashchainresult.xml", "sig-hashchainresult.xml", SIGNATURES)
    for data in signed:
        unpack(data, tmp_path)
        assert ran(*known, *mapped, folder=tmp_path)


def test_openssl_accepts_the_time_stamp_of_each(place: Place, containers: Containers, tmp_path: Path) -> None:
    token = ("-token_in", "-in", "META-INF/timestamp.tst", "-data", "ts-hashchainresult.xml", "-partial_chain")
    trusted = ("-CAfile", str(place.var / "directory" / "tsa.pem"))
    stamped = apart(list(containers.values()), "META-INF/timestamp.tst", "ts-hashchainresult.xml")
    assert len(stamped) < len(apart(list(containers.values()), SIGNATURES)) / 2, "one stands for many signatures"
    for data in stamped:
        unpack(data, tmp_path)
        assert ran("openssl", "ts", "-verify", *token, *trusted, folder=tmp_path)


HEAD = request_head(b"GET", f"/r1/{PROVIDER}/x".encode(), [(b"X-Road-Client", PORTAL.encode()), (b"X-Road-Id", b"1")])
WANTED = asic.Wanted("1", PORTAL, (asic.REQUEST,), unique=False, force=False)
Logged = Callable[[int, list[bytes]], Any]


@pytest.fixture
def logged(tmp_path: Path) -> Logged:
    """Give a gateway whose log holds so many batches, each of requests with these heads."""
    key = new_key()
    certificate = Authority.create(tmp_path / "ca").issue(Subject("a"), key.public_key(), "sign")
    sealer = batches.Sealer.of("a", key, certificate)

    def core(count: int, heads: list[bytes]) -> Any:
        def records(_: str) -> Iterator[Record]:
            for number in range(count):
                payload = batches.seal(batches.REQUESTS, sealer, "b", [Message.of(one, b"") for one in heads], number)
                yield Record(number, reading.SENT_REQUESTS, payload, b"", 0)

        return SimpleNamespace(indices=SimpleNamespace(records=records, stamps=lambda _: ()))

    return core


@pytest.mark.parametrize(("asks", "gets"), [(PORTAL, 1), (PROVIDER, 1), ("VN/GOV/G22/OTHER", 0)])
def test_of_a_batch_its_parties_alone_get_their_own_messages(logged: Logged, asks: str, gets: int) -> None:
    other = HEAD.replace(b"X-Road-Id:1", b"X-Road-Id:11")
    nobodys = HEAD.replace(PORTAL.encode(), b"no/name")
    assert len({HEAD, other, nobodys}) == 3
    found = asic.find(logged(1, [other, b"1 is no head", HEAD, nobodys]), replace(WANTED, client=asks))
    own = [one.message.head for one in found if one.message.head != nobodys]
    assert (own, len(found) - len(own)) == ([HEAD] * gets, int(asks == PROVIDER))


def test_messages_without_number_of_one_id_are_not_gathered(monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    core, wanted = logged(9, [HEAD]), WANTED
    assert len(asic.find(core, wanted)) == 9
    monkeypatch.setattr(asic, "MOST_FOUND", 8)
    with pytest.raises(asic.Refused, match="Too many messages have this id"):
        asic.find(core, wanted)
    assert len(asic.find(core, replace(wanted, unique=True))) == 1
    monkeypatch.setattr(asic, "MOST_FOUND", 9)
    monkeypatch.setattr(asic, "MOST_BYTES", 2 * len(HEAD))
    with pytest.raises(asic.Refused, match="Too many messages have this id"):
        asic.find(core, wanted)
    assert len(asic.find(core, replace(wanted, unique=True))) == 1
