"""Watching: ids that say nothing of anybody, lines without somebody's words, health, the listener, spans."""

import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel.settings import BadSetting, read
from onedoor.kernel.tests.collector import Collector, Taking
from onedoor.kernel.watch import health, lines, listener, metrics, spans, trace
from onedoor.kernel.watch.health import Dependency, Failing, Health

NUMBER, NAME = "001099000001", "Nguyễn Thị Đào"
TOKEN = "a token that is long enough to be taken"


def test_an_id_of_ours_is_read_back():
    made = trace.new()
    assert trace.read(made.header()) == made


@given(
    st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))
    | st.binary(min_size=25, max_size=25).map(lambda b: f"00-{b[:16].hex()}-{b[16:24].hex()}-{b[24:].hex()}")
    | st.binary(min_size=18, max_size=18).map(lambda b: trace.new().header()[:15] + b.hex() + "-01")
)
def test_what_we_did_not_make_is_not_taken_over(header):
    found = trace.read(header)
    assert found is None or found.header()[:52] == header[:52]
    assert found is None or abs(int(found.id[:12], 16) / 1000 - time.time()) <= 86_401


@given(
    st.integers(0, 10**12 - 1).map("{:012d}".format),
    st.sampled_from(["{0}7abcb0000000000000000", "{0}7{1}b{2}0000000000"]),
)
def test_no_id_begins_with_a_persons_number(number, shape):
    """Twelve digits read as a time lie far from ours: an id is not where a number can hide."""
    made = shape.format(number, number[:3], number[:5])
    assert trace.read(f"00-{made.ljust(32, '0')[:32]}-0123456789abcdef-00") is None


def test_work_within_a_trace_is_known_and_forgotten_afterwards():
    with trace.within(trace.new()) as here:
        assert trace.current() is here
    assert trace.current() is None


def record(**extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("onedoor.test", logging.ERROR, __file__, 1, "happened %s", ("twice",), None)
    made.__dict__.update(extra)
    return made


def test_a_line_is_json_and_names_the_request():
    with trace.within(trace.new()) as here:
        told = json.loads(lines.Lines().format(record(facts={"peer": "VN/GOV/G01/GATEWAY"})))
    assert told["event"] == "happened twice"
    assert (told["request"], told["peer"], told["level"]) == (here.id, "VN/GOV/G01/GATEWAY", "error")


def test_an_exception_leaves_its_type_and_places_and_none_of_its_words():
    try:
        raise ValueError(f"{NAME} {NUMBER}")
    except ValueError as error:
        told = lines.Lines().format(record(exc_info=(type(error), error, error.__traceback__)))
    assert json.loads(told)["exception"] == "ValueError"
    assert "test_watch.py" in json.loads(told)["places"][-1]
    assert NAME not in told
    assert NUMBER not in told


def failing(words: str = "the cable is cut") -> None:
    raise Failing(words)


def broken() -> None:
    raise ValueError(f"{NAME} {NUMBER}")


@pytest.mark.parametrize(
    ("dependencies", "status"),
    [
        ((), "ok"),
        ((Dependency("a", bool),), "ok"),
        ((Dependency("a", bool), Dependency("b", failing, needed=False)), "limited"),
        ((Dependency("a", failing), Dependency("b", bool)), "failing"),
    ],
)
def test_only_what_is_needed_makes_a_process_fail(dependencies, status):
    assert Health("node", "G15", dependencies).ready()["status"] == status


def test_each_dependency_says_why_in_our_words_or_by_the_type_of_its_error():
    found = Health("node", "G15", (Dependency("a", failing), Dependency("b", broken, needed=False))).ready()
    assert found["dependencies"]["a"] == {"state": "failing", "needed": True, "why": "the cable is cut"}
    unknown = {"state": "failing", "needed": False, "why": "it cannot be used", "of": "ValueError"}
    assert found["dependencies"]["b"] == unknown
    assert NAME not in str(found)


def test_a_process_that_does_not_live_cannot_work_either():
    found = Health("gateway", "G15", (), alive=failing)
    assert (found.live()["status"], found.ready()["status"]) == ("failing", "failing")


def settings(**changed: str) -> Any:
    return read({"ONEDOOR_WATCH_LISTEN": "127.0.0.1:0"} | {f"ONEDOOR_{k.upper()}": v for k, v in changed.items()})


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def listening() -> Iterator[Any]:
    begun = []

    def begin(health: Health, **changed: str) -> int:
        begun.append(listener.begin(settings(**changed), health))
        return int(begun[-1].server_address[1])

    yield begin
    for one in begun:
        one.shutdown()
        one.server_close()


def test_it_tells_health_and_metrics_and_nothing_else(listening):
    port = listening(Health("node", "G15", (Dependency("a", failing, needed=False),)))
    status, body = ask(port, "/health")
    assert (status, json.loads(body)["status"], json.loads(body)["member"]) == (200, "limited", "G15")
    assert ask(port, "/health/live")[0] == 200
    status, body = ask(port, "/metrics")
    assert status == 200
    assert b"process_resident_memory_bytes" in body
    assert ask(port, "/")[0] == ask(port, "/metrics/x")[0] == 404
    assert ask(port, "/metrics", "HEAD") == (200, b"")
    assert ask(port, "/metrics", "POST")[0] == 501


def test_a_process_that_cannot_work_says_so_by_its_status(listening):
    port = listening(Health("node", "G15", (Dependency("database", failing),)))
    assert ask(port, "/health")[0] == 503
    assert ask(port, "/health/live")[0] == 200


def test_with_a_token_only_who_shows_it_is_told(listening):
    port = listening(Health("node", "G15"), watch_token=TOKEN)
    for path in ("/health", "/health/live", "/metrics"):
        assert ask(port, path)[0] == ask(port, path, Authorization=f"Bearer {TOKEN}x")[0] == 401
        assert ask(port, path, Authorization=f"Bearer {TOKEN}")[0] == 200


@pytest.mark.parametrize("address", ["0.0.0.0:9100", "[::]:9100", "10.0.0.1:9100", "watch.example:9100", "9100"])
def test_no_address_beyond_this_computer_is_taken_without_a_token(address):
    with pytest.raises(BadSetting, match="ONEDOOR_WATCH_LISTEN"):
        read({"ONEDOOR_WATCH_LISTEN": address})


def test_with_a_token_it_may_be_reached_from_elsewhere():
    assert read({"ONEDOOR_WATCH_LISTEN": "0.0.0.0:9100", "ONEDOOR_WATCH_TOKEN": TOKEN}).watch_listen == "0.0.0.0:9100"
    assert TOKEN not in repr(read({"ONEDOOR_WATCH_TOKEN": TOKEN}))


def test_the_token_is_read_from_a_file_that_nobody_else_can_read(tmp_path):
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f"{TOKEN}\n")
    given = {"ONEDOOR_WATCH_LISTEN": "0.0.0.0:9100", "ONEDOOR_WATCH_TOKEN_FILE": str(file)}
    assert read(given).watch_token == TOKEN
    file.chmod(0o644)
    with pytest.raises(BadSetting, match="nobody else can read"):
        read(given)


def test_a_port_that_was_asked_counts_as_free_as_soon_as_nobody_listens():
    one = listener.begin(settings(), Health("node", "G15"))
    port = int(one.server_address[1])
    assert ask(port, "/health/live")[0] == 200  # the end of this connection stays with the port for a minute
    one.shutdown()
    one.server_close()
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", port))


def test_without_an_address_nothing_listens():
    assert listener.begin(read({}), Health("node", "G15")) is None


def test_a_failure_while_measuring_is_an_answer_and_a_line_without_words(listening, caplog):
    def source() -> Iterator[metrics.Measure]:
        raise ValueError(NAME)
        yield

    metrics.scraped.sources.append(source)
    try:
        assert ask(listening(Health("node", "G15")), "/metrics")[0] == 500
    finally:
        metrics.scraped.sources.remove(source)


def test_a_metric_is_made_once():
    name = next(iter(metrics.KNOWN))
    with pytest.raises(ValueError, match=name):
        metrics.measured("all", {name: ("again", ())})


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    spans.end()
    collector.shutdown()
    collector.server_close()


def test_spans_reach_a_collector_with_the_requests_id_as_their_trace(collector):
    spans.begin(read({"ONEDOOR_TRACES_URL": collector.url}), "node")
    received = trace.new()
    here = spans.enter(received)
    assert (here.id, here.kept) == (received.id, True)
    assert here.span != received.span
    spans.leave(
        here, received, "GET cases/<code>", spans.SERVER, 0.25, failed=True, **{"http.response.status_code": 500}
    )
    alone = spans.enter(None)
    spans.leave(alone, None, "job cases.sweep", spans.CONSUMER, 0.0, failed=False)
    spans.end()
    (body,) = collector.bodies
    (resource,) = body["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "onedoor-node"}} in resource["resource"]["attributes"]
    first, second = resource["scopeSpans"][0]["spans"]
    assert (first["traceId"], first["spanId"], first["parentSpanId"]) == (received.id, here.span, received.span)
    assert int(first["endTimeUnixNano"]) - int(first["startTimeUnixNano"]) >= 250_000_000
    assert (first["name"], first["kind"], first["status"]) == ("GET cases/<code>", 2, {"code": 2})
    assert first["attributes"] == [{"key": "http.response.status_code", "value": {"intValue": "500"}}]
    assert "parentSpanId" not in second
    assert "status" not in second


def test_a_collector_that_is_away_costs_spans_and_nothing_else(collector):
    collector.status = 503
    before = dropped()
    spans.begin(read({"ONEDOOR_TRACES_URL": collector.url}), "node")
    here = spans.enter(None)
    spans.leave(here, None, "GET", spans.SERVER, 0.0, failed=False)
    spans.end()
    assert dropped() == before + 1


def dropped() -> float:
    return metrics.REGISTRY.get_sample_value("onedoor_spans_total", {"outcome": "dropped"}) or 0.0


def test_switched_off_a_trace_is_passed_on_as_it_came_and_nothing_is_loaded():
    received = trace.new()
    assert spans.enter(received) is received
    look = "import sys; from onedoor.kernel.watch import spans; from onedoor.kernel.settings import read\n"
    look += "spans.begin(read({}), 'node'); print([m for m in sys.modules if 'otlp' in m or 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_look_at_an_address_is_refused_where_nobody_listens():
    free = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    address = f"127.0.0.1:{free.server_address[1]}"
    health.answers(address)
    free.server_close()
    with pytest.raises(Failing, match="nobody answers there"):
        health.answers(address)


def test_each_line_is_written_even_if_the_disk_takes_none(monkeypatch):
    monkeypatch.setattr(lines, "os", SimpleNamespace(write=lambda *_: (_ for _ in ()).throw(OSError(28, "full"))))
    lines.write(["{}"])
