"""Ids seen within a window: once each, in every process that shares the table, and never forgotten too early."""

import asyncio
import fcntl
import itertools
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.gateway import batches, reading
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.gateway.messages import Message, request_head
from onedoor.exchange.gateway.rates import Buckets
from onedoor.exchange.gateway.replay import ACCOUNTS, SHARE, WINDOW, Seen, TooMany, _number, remember
from onedoor.exchange.tests.nation import PROVIDER, Place, free_base
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

NOW = 10**18


def test_an_id_is_new_once_for_each_client() -> None:
    seen = Seen()
    assert [seen.first_time(client, "one", NOW) for client in ("a", "b", "a", "b")] == [True, True, False, False]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, WINDOW // 3)), max_size=150))
def test_ids_are_held_for_twice_the_window_and_no_longer_than_four_times(steps: list[tuple[int, int]]) -> None:
    seen, model, now = Seen(slots=256), dict[int, int](), NOW
    for number, later in steps:
        now += later
        age = now - model.get(number, 0)
        new = seen.first_time("a", str(number), now)
        assert new or age < 4 * WINDOW
        assert not new or age >= 2 * WINDOW
        model[number] = now if new else model[number]


def test_nothing_is_forgotten_to_make_room() -> None:
    seen = Seen(slots=256)
    held = [("ab"[number % 2], str(number)) for number in range(256)]
    assert all(seen.first_time(*one, NOW) for one in held)
    with pytest.raises(TooMany):
        seen.first_time("c", "more", NOW)
    assert not any(seen.first_time(*one, NOW + 2 * WINDOW) for one in held)
    assert seen.first_time("c", "more", NOW + 2 * WINDOW)


def test_whoever_takes_all_it_may_leaves_room_for_the_ids_of_others() -> None:
    seen, most = Seen(slots=256), int(256 * SHARE)
    held = [str(number) for number in range(most)]
    assert all(seen.first_time(f"client-{one}", one, NOW, "peer") for one in held), "by whatever clients"
    with pytest.raises(TooMany):
        seen.first_time("client", "more", NOW, "peer")
    assert not seen.first_time("client-7", "7", NOW, "peer"), "what is known is told as such"
    assert all(seen.first_time("client", one, NOW, "other") for one in held[: 256 - most])
    assert not seen.first_time("client-7", "7", NOW + 2 * WINDOW, "peer")
    assert seen.first_time("client", "more", NOW + 2 * WINDOW, "peer"), "in the next term it has as much again"
    assert seen.first_time("client", "later", NOW + 4 * WINDOW, "peer"), "and in the one after, in the same place"


def test_processes_that_share_a_table_count_together() -> None:
    seen = Seen(slots=256)
    for number in range(int(256 * SHARE)):
        assert seen.first_time("a", str(number), NOW, "peer")
    with pytest.raises(TooMany):
        Seen(seen.file).first_time("a", "more", NOW, "peer")


@pytest.mark.parametrize("now", [NOW, NOW + 2 * WINDOW])
def test_an_id_that_is_forgotten_is_new_again_and_hides_no_other(now: int) -> None:
    seen, names = Seen(slots=256), [str(number) for number in range(150)]
    assert all(seen.first_time("a", one, now) for one in names)
    for one in names[:40]:
        seen.forget("a", one)
    assert not any(seen.first_time("a", one, now) for one in names[40:])
    assert all(seen.first_time("a", one, now) for one in names[:40])
    assert not any(seen.first_time("a", one, now + 2 * WINDOW) for one in names)


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    seen = Seen(slots=256)
    assert seen.first_time("a", "one", NOW)
    assert not seen.first_time("a", "one", NOW - 2 * WINDOW)
    assert seen.first_time("a", "two", NOW - 4 * WINDOW)
    assert not seen.first_time("a", "one", NOW)


def test_what_was_seen_long_ago_is_new_again_though_nothing_came_since() -> None:
    seen = Seen(slots=256)
    assert seen.first_time("a", "one", NOW)
    assert seen.first_time("a", "one", NOW + 6 * WINDOW)


@pytest.mark.parametrize(
    ("made", "ask"),
    [
        ("replay.Seen", "first_time('a', 'one', 1)"),
        ("replay.Seen", "forget('a', 'one')"),
        ("rates.Buckets", "take('a', 1.0, 1.0)"),
    ],
)
def test_who_shares_a_table_waits_for_its_turn(made: str, ask: str) -> None:
    table = Seen() if made == "replay.Seen" else Buckets()
    code = f"import sys\nfrom onedoor.exchange.gateway import rates, replay\ntable = {made}(int(sys.argv[1]))\n"
    code += f"print('ready', flush=True)\nprint(table.{ask}, flush=True)"
    command = [sys.executable, "-c", code, str(table.file)]
    fcntl.lockf(table.file, fcntl.LOCK_EX)
    with subprocess.Popen(command, pass_fds=[table.file], stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"ready\n"
        assert not select.select([other.stdout], [], [], 0.5)[0]
        fcntl.lockf(table.file, fcntl.LOCK_UN)
        assert other.stdout.readline()


@pytest.mark.parametrize("ahead", [0, 12 * WINDOW])
def test_what_was_refused_keeps_no_gateway_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    key, found, sent = new_key(), Seen(), Seen()
    certificate = Authority.create(tmp_path / "ca").issue(Subject("a"), key.public_key(), "sign")
    sealer, log_key = batches.Sealer.of("a", key, certificate), bytes(32)
    heads = [
        request_head(b"GET", b"/r1/x", [(b"X-Road-Client", client), (b"X-Road-Id", b"one")])
        for client in (b"nobody", b"VN/GOV/%47/P", b"VN/GOV/G")
    ]

    async def running() -> None:
        log = Log(tmp_path / "log", log_key)
        batch = [Message.of(head, b"") for head in (b"garbage", *heads)]
        for kind in (reading.RECEIVED_REQUESTS, reading.SENT_REQUESTS):
            log.append(kind, batches.seal(1, sealer, "b", batch, 1), lambda _: None)
        await asyncio.sleep(0)
        log.close()

    with monkeypatch.context() as patched:
        patched.setattr(time, "time_ns", lambda real=time.time_ns: real() + ahead)
        asyncio.run(running())
    remember(tmp_path / "log", log_key, received=found, sent=sent)
    known = itertools.product((found, sent), ("VN/GOV/G/P", "VN/GOV/G"))
    assert not any(one.first_time(client, "one", time.monotonic_ns()) for one, client in known)
    assert [taken for taken in found._taken if taken] == [2]
    assert 2 in (found._taken[_number("a")], found._taken[ACCOUNTS + _number("a")]), "they count for who sent them"
    assert [taken for taken in sent._taken if taken] == [1, 1], "and here for each client"
    assert found.first_time("VN/GOV/G/P", "one", time.monotonic_ns() + 4 * WINDOW), "also when the clock was ahead"
    full = Seen()
    full._most = 0
    remember(tmp_path / "log", log_key, received=full, sent=full)


def test_two_processes_that_share_a_table_take_an_id_once() -> None:
    seen = Seen()
    code = (
        "import sys\nfrom onedoor.exchange.gateway.replay import Seen\n"
        "seen = Seen(int(sys.argv[1]))\nsys.stdin.readline()\n"
        f"print(sum(seen.first_time('a', str(number), {NOW}) for number in range(20000)))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(seen.file)],
            pass_fds=[seen.file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in started:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    taken = [int(one.communicate(timeout=60)[0]) for one in started]
    assert sum(taken) == 20_000
    assert not seen.first_time("a", "7", NOW)


def test_a_clock_that_jumps_ahead_and_back_lets_no_id_come_again(tmp_path: Path) -> None:
    clock = tmp_path / "ahead"
    with Place(tmp_path, free_base(), before=by(clock)) as place:
        place.start("directory", "gateway-G22", "gateway-G01")
        client = place.client()
        found = []
        for ahead, one in ((0, "one"), (4, "two"), (0, "one"), (20, "one")):
            clock.write_text(str(ahead * WINDOW))
            found.append(place.ask(f"/r1/{PROVIDER}/listMethods", client=client, method="GET", X_Road_Id=one))
        client.close()
    assert [one.headers.get("x-road-error") for one in found] == [
        None,
        None,
        *(["Server.ServerProxy.InvalidRequest"] * 2),
    ]
    assert all(b"already received" in one.body for one in found[2:])


def by(clock: Path) -> str:
    """Return Python that lets a process go by a clock so many nanoseconds ahead as the file *clock* says."""
    clock.write_text("0")
    read = f"int(pathlib.Path({str(clock)!r}).read_text() or 0)"
    return f"import pathlib, time\ntime.time_ns = lambda real=time.time_ns: real() + {read}"


def test_a_gateway_that_asks_for_lists_without_end_is_told_to_come_later(tmp_path: Path) -> None:
    little = "from onedoor.exchange.gateway import replay; replay.SHARE = 3 / 2**22"
    with Place(tmp_path, free_base(), before=little) as place:
        place.start("directory", "gateway-G22", "gateway-G01")
        client = place.client()
        found = [place.ask(f"/r1/{PROVIDER}/listMethods", client=client, method="GET") for _ in range(4)]
        client.close()
    assert [one.status for one in found] == [200, 200, 200, 500]
    assert found[3].headers["x-road-error"] == "Server.ServerProxy.Overloaded"
    assert found[3].headers["retry-after"] == "1"
