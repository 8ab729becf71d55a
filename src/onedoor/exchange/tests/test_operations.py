"""Records of operational monitoring (PR-OPMON): one for each message on each side, beside the path of messages."""

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onedoor.exchange.gateway import operations, records, shares, summaries
from onedoor.exchange.gateway.healthy import Health
from onedoor.exchange.gateway.operations import Operations
from onedoor.exchange.gateway.records import Record
from onedoor.exchange.tests.nation import wait_for
from onedoor.exchange.tests.xroad import GUARDED, PETS, PORTAL, PROVIDER, XRoad

NOW, PERSON = 1_796_000_000, "Dao001099000001"


def record(**changed: Any) -> Record:
    known: dict[str, Any] = {
        "type": records.PRODUCER,
        "moments": (1000, 1010, 1030, 1042),
        "client": PORTAL,
        "service": f"{PROVIDER}/petstore",
        "method": "GET",
        "path": "/pets/*",
        "party": "COM/1234",
        "id": "an-id",
        "user": "account-7",
        "issue": "2611",
        "addresses": ("127.0.0.1", "one.example", "two.example"),
        "sizes": (100, 200),
        "fault": "",
        "reason": "",
        "status": 200,
        "kind": "OPENAPI3",
    }
    return Record(**known | changed)


class Told:
    def __init__(self, one: Record) -> None:
        self.one = one

    def record(self) -> Record:
        return self.one


def kept(xroad: XRoad, member: str) -> list[dict[str, Any]]:
    folder = xroad.place.seats[member].gateway_state / records.FOLDER
    return [records.told(*one) for one in records.found(folder, 0, 2**40, lambda _: True, 10**6)[0]]


def of(xroad: XRoad, message: str) -> list[dict[str, Any]]:
    """Return the two records of one message once both are written."""

    def both() -> list[dict[str, Any]]:
        return [one for member in ("G22", "G01") for one in kept(xroad, member) if one.get("messageId") == message]

    wait_for(lambda: len(both()) == 2, f"two records of {message}")
    return both()


def ask(xroad: XRoad, target: str, message: str, method: str = "GET", **more: str) -> int:
    headers = [("X-Road-Client", PORTAL), ("X-Road-Id", message), *((k.replace("_", "-"), v) for k, v in more.items())]
    return xroad.ask(target, method, headers, b"{}" if method == "POST" else b"").status


def test_there_are_the_39_fields_in_their_documented_order() -> None:
    assert len(records.FIELDS) == len(set(records.FIELDS)) == 39
    told = records.told(NOW, record(fault="Server.ServerProxy.AccessDenied", reason="no"))
    assert set(records.FIELDS) - set(told) == {"serviceVersion", "requestMimeSize", "responseMimeSize"}  # SOAP's
    assert set(told) <= set(records.FIELDS)


def test_each_side_keeps_a_record_of_a_message(xroad: XRoad) -> None:
    why = {"X_Road_UserId": "account-7", "X_Road_Issue": "2611-7K4M", "X_Road_Represented_Party": "COM/1234"}
    assert ask(xroad, f"{PETS}/pets/{PERSON}", "both-sides", **why) == 200
    client, producer = of(xroad, "both-sides")
    assert (client["securityServerType"], producer["securityServerType"]) == ("Client", "Producer")
    for one in (client, producer):
        moments = [one[name] for name in ("requestInTs", "requestOutTs", "responseInTs", "responseOutTs")]
        assert moments == sorted(moments)
        assert abs(time.time() - one["monitoringDataTs"]) < 30
        assert (one["clientMemberCode"], one["clientSubsystemCode"]) == ("G22", "PORTAL")
        assert (one["serviceSubsystemCode"], one["serviceCode"]) == ("POPULATION", "petstore")
        assert (one["messageUserId"], one["messageIssue"]) == ("account-7", "2611-7K4M")
        assert (one["representedPartyClass"], one["representedPartyCode"]) == ("COM", "1234")
        assert (one["succeeded"], one["statusCode"], one["restMethod"]) == (True, 200, "GET")
        assert (one["messageProtocolVersion"], one["requestAttachmentCount"]) == ("1", 0)
        assert one["clientSecurityServerAddress"] == one["serviceSecurityServerAddress"] == "127.0.0.1"
    assert producer["serviceType"] == "OPENAPI3"
    same = ("requestSize", "responseSize")
    assert [client[name] for name in same] == [producer[name] for name in same]
    assert client["requestInTs"] <= producer["requestInTs"] <= producer["responseOutTs"] <= client["responseOutTs"]
    assert (client.get("restPath"), producer["restPath"]) == (None, "/pets/*")  # the endpoint, never what was asked
    assert PERSON not in json.dumps([client, producer])


@pytest.mark.parametrize(
    ("target", "message", "code"),
    [
        (f"{GUARDED}/no/such", "denied", "Server.ServerProxy.AccessDenied"),
        (f"/r1/{PROVIDER}/{PERSON}/x", "unknown", "Server.ServerProxy.UnknownService"),
    ],
)
def test_a_message_that_is_refused_has_a_record_with_its_fault(
    xroad: XRoad, target: str, message: str, code: str
) -> None:
    assert ask(xroad, target, message) == 500
    for one in of(xroad, message):
        assert (one["succeeded"], one["faultCode"].casefold().replace("_", "")) == (False, code.casefold())
        assert ("faultString" in one) == (message == "denied")
        assert PERSON not in json.dumps(one)


def test_what_never_leaves_has_a_record_on_its_side(xroad: XRoad) -> None:
    xroad.ask(f"/r1/VN/GOV/G99/X/{PERSON}", "GET", [("X-Road-Client", PORTAL), ("X-Road-Id", "nowhere")])
    xroad.ask(PETS, "GET", [("X-Road-Client", f"VN/GOV/G22/{PERSON}"), ("X-Road-Id", "nobody")])

    def found() -> list[dict[str, Any]]:
        return [one for one in kept(xroad, "G22") if one.get("messageId") in ("nowhere", "nobody")]

    wait_for(lambda: len(found()) == 2, "two records")
    assert {one["faultCode"] for one in found()} == {"Server.ClientProxy.UnknownMember"}
    assert all(one["responseInTs"] == 0 if "responseInTs" in one else True for one in found())
    assert PERSON not in json.dumps(found())


def test_an_error_of_the_providers_own_is_no_fault_of_the_exchange(xroad: XRoad) -> None:
    xroad.system.reply = lambda _: (404, b"{}", "")
    ask(xroad, PETS, "own-error")
    assert [(one["succeeded"], one["statusCode"]) for one in of(xroad, "own-error")] == [(True, 404)] * 2


@pytest.fixture
def writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Operations]:
    monkeypatch.setattr(operations, "TURN", 0.01)
    return lambda **how: Operations(tmp_path, **how)


def test_what_a_restart_interrupts_is_written(writing: Callable[..., Operations], tmp_path: Path) -> None:
    own = writing()
    own.begin()
    for number in range(1000):
        own.put(Told(record(id=str(number))))
    own.batch(7)
    own.close()
    found, more = records.found(own.folder, 0, 2**40, lambda _: True, 2000)
    assert ([one.id for _, one in found], more) == ([str(number) for number in range(1000)], None)
    (path,) = records.files(own.folder)
    assert path.suffix == ".gz"
    (told,) = summaries.read(own.folder, 0, 2**40)
    assert (told.cells["Producer", PORTAL, f"{PROVIDER}/petstore"].count, told.batches) == (1000, Counter({7: 1}))


def test_too_many_records_are_dropped_counted_and_said(
    writing: Callable[..., Operations], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(operations, "MOST", 10)
    own = writing()
    for _ in range(25):
        own.put(Told(record()))
    assert own.dropped == 15
    assert [one.value for one in own.measures()] == [15]
    own.begin()
    own.close()
    assert "operations.dropped count=15" in caplog.text
    assert len(records.found(own.folder, 0, 2**40, lambda _: True, 99)[0]) == 10


def test_a_full_disk_drops_records_and_nothing_else(
    writing: Callable[..., Operations], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = writing()
    own.folder.mkdir()
    open_, full = Path.open, [True]

    def opened(path: Path, *how: Any, **more: Any) -> Any:
        if full and path.name.startswith(records.KIND):
            raise OSError(28, "No space left on device")
        return open_(path, *how, **more)

    monkeypatch.setattr(Path, "open", opened)
    own.begin()
    own.put(Told(record(id="lost")))
    wait_for(lambda: own.dropped == 1, "a dropped record")
    full.clear()
    own.put(Told(record(id="kept")))
    own.close()
    assert [one.id for _, one in records.found(own.folder, 0, 2**40, lambda _: True, 99)[0]] == ["kept"]
    assert "operations.not_kept error=OSError" in caplog.text


def test_files_are_begun_anew_and_go_after_the_days(
    writing: Callable[..., Operations], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "LARGEST", 1000)
    own = writing(days=1)
    own.folder.mkdir()
    old = own.folder / f"{records.KIND}00000000001-1.jsonl.gz"
    old.write_bytes(gzip.compress(records.line(1, record())))
    os.utime(old, (1, 1))
    own.begin()
    for turn in range(3):
        for _ in range(9):
            own.put(Told(record()))
        wait_for(lambda turn=turn: len(kept_in(own)) >= 9 * (turn + 1), "records")
    own.close()
    assert not old.exists()
    assert len(records.files(own.folder)) == 3


def kept_in(own: Operations) -> list[tuple[int, Record]]:
    return [one for one in records.found(own.folder, 0, 2**40, lambda _: True, 10**6)[0] if one[0] > 1]


def test_a_question_for_too_many_says_where_the_rest_begins(tmp_path: Path) -> None:
    for start in (100, 200):
        path = tmp_path / f"{records.KIND}{start:011d}-{start}.jsonl"
        path.write_bytes(b"".join(records.line(start + at // 3, record(id=f"{start + at // 3}")) for at in range(30)))
    taken, more = records.found(tmp_path, 0, 300, lambda _: True, 4)
    assert ([at for at, _ in taken], more) == ([100] * 3 + [101] * 3, 102)  # all of one second stay together
    taken, more = records.found(tmp_path, more or 0, 300, lambda _: True, 1000)
    assert (len(taken), more) == (54, None)
    assert [at for at, _ in records.found(tmp_path, 109, 200, lambda _: True, 99)[0]] == [109] * 3 + [200] * 3
    with path.open("ab") as half:
        half.write(b"[209,")  # a line that is being written
    assert len(records.found(tmp_path, 0, 300, lambda _: True, 99)[0]) == 60


def test_what_other_processes_saw_is_told_as_well_and_not_lost_with_them(
    writing: Callable[..., Operations], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, now = writing(), int(time.time())
    own.folder.mkdir()
    other = summaries.Summary(now - now % summaries.PERIOD)
    health = Health()
    for one in (record(), record(fault="Server.ServerProxy.NetworkError")):
        other.add(one)
        health.add(one, now)
    share = shares.Share(other.told(), health.services).encoded()
    path = own.folder / f"{shares.KIND}1.json"
    path.write_bytes(share)  # process 1 runs
    own.begin()
    own.put(Told(record()))
    wait_for(lambda: bool(own.health.services), "the own message")
    whole = summaries.merged(own.current(), 2**40)[0]
    assert sum(one.count for one in whole.cells.values()) == 3
    ((_, state, last),) = own.healthy(now + 1)
    assert (last.good, last.bad, state.failed, last.spreads[0].told(2)[0]) == (2, 1, 1042, 42)
    own.close()
    assert not list(own.folder.glob(f"{shares.KIND}{os.getpid()}*"))
    path.rename(own.folder / f"{shares.KIND}{2**22 + 7}.json")  # no process has that id
    later = writing()
    later.begin()
    later.close()
    assert not list(own.folder.glob(f"{shares.KIND}*"))
    kept = summaries.merged(summaries.read(own.folder, 0, 2**40), 2**40)[0]
    assert sum(one.count for one in kept.cells.values()) == 3


def test_percentiles_of_a_summary_are_within_a_tenth(tmp_path: Path) -> None:
    one = summaries.Summary(NOW)
    for milliseconds in range(1, 1001):
        one.add(record(moments=(0, 0, 0, milliseconds), fault="X" if milliseconds > 990 else ""))
    (tmp_path / f"{summaries.KIND}1.jsonl").write_bytes(one.line() + one.line()[:-1])
    (read,) = summaries.read(tmp_path, NOW, NOW)
    (cell,) = summaries.merged([read, one], 3600)[NOW - NOW % 3600].cells.values()
    assert (cell.count, cell.faults, cell.errors) == (2000, Counter(X=20), 0)
    for share in (0.5, 0.95, 0.99):
        assert cell.percentile(share) == pytest.approx(1000 * share, rel=0.1)
    assert summaries.Cell().percentile(0.5) is None


def test_a_summary_tells_a_bounded_number_of_pairs_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "MOST", 2)
    one = summaries.Summary(NOW)
    for number in range(5):
        one.add(record(service=f"{PROVIDER}/{number}"))
    assert one.cells["Producer", "*", "*"].count == 3
    assert len(one.cells) == 3


def test_health_covers_the_last_ten_minutes() -> None:
    health = Health()
    for minute, milliseconds in ((0, 1000), (9, 10), (10, 30)):
        health.add(record(moments=(0, 0, 0, milliseconds)), NOW + 60 * minute)
    health.add(record(fault="Server.ServerProxy.NetworkError", moments=(0, 0, 0, 77)), NOW + 601)
    health.add(record(kind="", service=PROVIDER), NOW)
    (state,) = health.services.values()
    last = state.over(NOW + 605)
    assert (last.good, last.bad, state.failed, state.succeeded) == (2, 1, 77, 30)
    assert last.spreads[0].told(2) == (10, 20.0, 30, 10.0)
    assert last.spreads[1].told(2) == (100, 100.0, 100, 0.0)
