"""Where systems reach their gateway: what is asked over HTTPS is asked over HTTP alike (PR-REST, PR-META)."""

import io
import zipfile
from urllib.parse import urlencode

import pytest

from onedoor.exchange.tests.test_soap import envelope
from onedoor.exchange.tests.xroad import GUARDED, HALF, OPEN, PROVIDER, Answer, XRoad

DOORS = {"with a certificate": {}, "over HTTPS without one": {"shown": False}, "over HTTP": {"tls": False}}
NAMES = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
SOAP = ("Content-Type", "text/xml; charset=utf-8")
VARYING = {"date", "content-length", "x-road-id", "x-road-request-id", "x-road-request-hash"}


def evidence(message: str, subsystem: str = OPEN) -> str:
    own = dict(zip(NAMES, subsystem.split("/"), strict=True))
    return f"/asic?{urlencode({'queryId': message, **own})}"


def by_each_door(xroad: XRoad, *asked: object, **more: object) -> list[Answer]:
    return [xroad.ask(*asked, **more, **how) for how in DOORS.values()]  # type: ignore[arg-type]


def same(answers: list[Answer], status: int = 200) -> list[bytes]:
    """Hold that each door answered with *status* and the same headers; return the bodies."""
    told = [[one for one in answer.headers if one[0] not in VARYING] for answer in answers]
    assert [answer.status for answer in answers] == [status] * len(DOORS), [one.body for one in answers]
    assert told == [told[0]] * len(DOORS)
    return [answer.body for answer in answers]


@pytest.mark.parametrize("how", DOORS.values(), ids=DOORS.keys())
def test_the_configuration_to_verify_with_is_anyones(xroad: XRoad, how: dict[str, bool]) -> None:
    answer = xroad.ask("/verificationconf", headers=[], **how)
    assert (answer.status, answer["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.read("verificationconf/instance-identifier") == b"VN"


def test_what_anyone_may_ask_is_the_same_at_each_door(xroad: XRoad) -> None:
    for target in ("/listClients", "/verificationconf"):
        assert len(set(same(by_each_door(xroad, target, headers=[])))) == 1


def test_a_client_that_connects_in_the_clear_is_served_at_each_door(xroad: XRoad) -> None:
    same(by_each_door(xroad, f"{GUARDED}/local/a", headers=[("X-Road-Client", OPEN)]))
    assert [one["path"] for one in xroad.system.seen] == ["/guarded/local/a"] * len(DOORS)
    same(by_each_door(xroad, f"/r1/{PROVIDER}/listMethods", headers=[("X-Road-Client", OPEN)]))
    asked = envelope("listMethods", by=OPEN).encode()
    (body,) = set(same(by_each_door(xroad, "/", "POST", headers=[SOAP], body=asked)))
    assert b"listMethodsResponse" in body


def test_evidence_is_handed_out_at_each_door(xroad: XRoad) -> None:
    sent = [("X-Road-Client", OPEN), ("X-Road-Id", "doors-1")]
    assert xroad.ask(f"{GUARDED}/local/a", headers=sent, tls=False).status == 200
    (early,) = set(same(by_each_door(xroad, evidence("doors-1"), headers=[]), 500))
    assert early == b"Message signature has not been timestamped yet!"
    (unknown,) = set(same(by_each_door(xroad, evidence("no-such-id"), headers=[]), 404))
    assert unknown == b"No signed documents found"


def test_a_client_that_connects_over_https_is_refused_in_the_clear_whatever_it_asks(xroad: XRoad) -> None:
    asked = envelope("listMethods", by=HALF).encode()
    service = f"/r1/{PROVIDER}/listMethods"
    for how, status in ((DOORS["over HTTPS without one"], 200), (DOORS["over HTTP"], 500)):
        assert xroad.ask(service, headers=[("X-Road-Client", HALF)], **how).status == status
        assert (b"listMethodsResponse" in xroad.ask("/", "POST", [SOAP], asked, **how).body) is (status == 200)
        assert xroad.ask(evidence("none", HALF), headers=[], **how).status == (404 if status == 200 else 401)
