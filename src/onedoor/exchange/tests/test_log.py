"""The message log: durable, chained, sealed, whole again after a kill."""

import asyncio
import errno
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.gateway import log as logs
from onedoor.exchange.gateway import reading, segments
from onedoor.exchange.gateway.log import Log, LogInUse

KEY = secrets.token_bytes(32)


def write(folder: Path, payloads: list[bytes], *, size: int = 64 * 1024, close: bool = True) -> list[OSError | None]:
    async def run() -> list[OSError | None]:
        log, loop = Log(folder, KEY, size=size), asyncio.get_running_loop()
        waiting = []
        for payload in payloads:
            future = loop.create_future()
            log.append(reading.SENT_REQUESTS, payload, future.set_result)
            waiting.append(future)
        found = await asyncio.gather(*waiting)
        if close:
            log.close()
        else:  # as a kill leaves it: only the lock is released
            log._jobs.put(None)
            log._thread.join()
            os.close(log._handle)
            os.close(log._lock)
        return found

    return asyncio.run(run())


def payloads(folder: Path) -> list[bytes]:
    paths = sorted(folder.glob("*.log"))
    return [record.payload or b"" for path in paths for record in segments.records(path, KEY)]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=12))
def test_what_was_called_durable_is_read_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, sent: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    assert write(folder, sent) == [None] * len(sent)
    assert payloads(folder) == sent
    assert reading.verify(folder, KEY).whole


def test_all_that_comes_during_one_sync_is_made_durable_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, sync = list[int](), os.fdatasync
    monkeypatch.setattr(logs.os, "fdatasync", lambda handle: (calls.append(handle), sync(handle)))
    assert write(tmp_path, [b"record"] * 200, close=False) == [None] * 200
    assert len(calls) == 2, "that of the first record, and that of all others"
    assert len(payloads(tmp_path)) == 200


@pytest.mark.parametrize("refused", [False, True])
def test_a_full_segment_leaves_the_systems_memory_once_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    calls, sync, advise = list[tuple[str, int]](), os.fdatasync, os.posix_fadvise

    def forget(handle: int, *advice: int) -> None:
        calls.append(("forgotten", handle))
        if refused:
            raise OSError(errno.ENOSYS, "no such advice here")
        advise(handle, *advice)

    monkeypatch.setattr(logs.os, "fdatasync", lambda handle: (calls.append(("synced", handle)), sync(handle)))
    monkeypatch.setattr(segments.os, "posix_fadvise", forget)
    assert write(tmp_path, [secrets.token_bytes(3000) for _ in range(12)], size=8192) == [None] * 12
    forgotten = [number for number, (what, _) in enumerate(calls) if what == "forgotten"]
    assert len(forgotten) == 5
    assert all(("synced", calls[number][1]) in calls[:number] for number in forgotten)
    assert len(payloads(tmp_path)) == 12


def test_segments_follow_each_other_across_runs_and_sizes(tmp_path: Path) -> None:
    for _ in range(3):
        write(tmp_path, [secrets.token_bytes(3000) for _ in range(5)] + [bytes(20_000)], size=8192)
    verdict = reading.verify(tmp_path, KEY)
    assert verdict.whole
    assert verdict.records == 18
    assert verdict.segments > 6


def test_what_lies_in_the_log_cannot_be_read_without_its_key(tmp_path: Path) -> None:
    write(tmp_path, [b"Nguyen Thi Minh Hoa"])
    raw = next(tmp_path.glob("*.log")).read_bytes()
    assert b"Nguyen" not in raw
    assert not reading.verify(tmp_path, secrets.token_bytes(32)).whole
    assert reading.verify(tmp_path, None).whole, "the chain is checked by anyone"


@pytest.mark.parametrize("cut", [1, 5, 20, 47, 60])
def test_a_torn_tail_is_moved_aside_and_the_log_goes_on(tmp_path: Path, cut: int) -> None:
    write(tmp_path, [b"first", b"second"], close=False)
    path = next(tmp_path.glob("*.log"))
    *_, last = segments.records(path, KEY)
    with path.open("r+b") as file:  # the last record reached the disk in part
        file.seek(last.end - cut)
        file.write(bytes(cut))
    write(tmp_path, [b"third"])
    verdict = reading.verify(tmp_path, KEY)
    assert verdict.whole
    assert payloads(tmp_path) == [b"first", b"third"]
    assert verdict.dropped > 0
    assert path.with_suffix(".torn").stat().st_size == verdict.dropped


def test_a_kill_between_two_syncs_leaves_a_log_that_verifies(tmp_path: Path) -> None:
    write(tmp_path, [b"kept"], close=False)
    write(tmp_path, [b"next"])
    assert payloads(tmp_path) == [b"kept", b"next"]
    assert reading.verify(tmp_path, KEY).whole


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_byte_changed_in_a_finished_segment_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log")
    write(folder, [b"one", b"two"])
    write(folder, [b"three"])
    path = folder / "00000001.log"
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    assert not reading.verify(folder, KEY).whole


def test_a_segment_that_has_its_name_alone_is_begun_again(tmp_path: Path) -> None:
    write(tmp_path, [b"kept"])
    (tmp_path / "00000002.log").write_bytes(bytes(64 * 1024))
    write(tmp_path, [b"next"])
    assert payloads(tmp_path) == [b"kept", b"next"]
    assert reading.verify(tmp_path, KEY).whole


def test_a_head_that_was_wiped_costs_no_record(tmp_path: Path) -> None:
    write(tmp_path, [b"kept"])
    path = tmp_path / "00000001.log"
    path.write_bytes(bytes(segments.START) + path.read_bytes()[segments.START :])
    with pytest.raises(segments.BrokenSegment):
        Log(tmp_path, KEY)
    assert path.exists()


def test_the_next_segment_is_laid_out_beside_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop_syncs = []
    sync, here = os.fsync, threading.get_ident()
    monkeypatch.setattr(
        os, "fsync", lambda file: loop_syncs.append(file) if threading.get_ident() == here else sync(file)
    )

    async def run() -> None:
        log = Log(tmp_path, KEY, size=8192)
        begun = len(loop_syncs)
        for _ in range(12):
            while log._spare is None:  # noqa: ASYNC110 - another thread lays it out
                await asyncio.sleep(0.001)
            done = asyncio.get_running_loop().create_future()
            log.append(1, bytes(5000), done.set_result)
            assert await done is None
        assert len(loop_syncs) == begun, "nothing is synced where messages pass"
        log.close()

    asyncio.run(run())
    verdict = reading.verify(tmp_path, KEY)
    assert (verdict.whole, verdict.segments, verdict.records) == (True, 12, 12)
    assert not list(tmp_path.glob("*.draft"))


def test_a_missing_or_shortened_segment_is_found(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, [b"%d" % number])
    middle = tmp_path / "00000002.log"
    whole = middle.read_bytes()
    middle.write_bytes(whole[: segments.START])
    assert not reading.verify(tmp_path, KEY).whole
    middle.unlink()
    assert not reading.verify(tmp_path, KEY).whole


def test_a_second_gateway_on_the_same_log_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path, KEY)
    with pytest.raises(LogInUse):
        Log(tmp_path, KEY)
    log.close()


def test_a_callback_that_fails_touches_nobody_else(tmp_path: Path) -> None:
    async def run() -> None:
        log, done = Log(tmp_path, KEY), asyncio.get_running_loop().create_future()

        def broken(_: OSError | None) -> None:
            raise RuntimeError("the client went away")

        log.append(1, b"a", broken)
        log.append(1, b"b", broken)
        log.append(1, b"c", done.set_result)
        assert await done is None
        log.close()

    asyncio.run(run())


def test_a_failing_disk_is_said_and_the_log_goes_on_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "RETRY", 0.05)
    sync = os.fdatasync

    async def append(log: Log) -> OSError | None:
        done = asyncio.get_running_loop().create_future()
        log.append(1, b"x", done.set_result)
        return await done

    async def run() -> None:
        log = Log(tmp_path, KEY)
        assert await append(log) is None
        monkeypatch.setattr(os, "fdatasync", _no_space(sync))
        assert (error := await append(log)) is not None
        assert error.errno == errno.ENOSPC
        assert await append(log) is not None, "nothing is accepted behind a gap"
        monkeypatch.setattr(os, "fdatasync", sync)
        async with asyncio.timeout(2):
            while await append(log):  # noqa: ASYNC110 - what is refused, however often, keeps the log from nothing
                await asyncio.sleep(0.01)
        log.close()

    asyncio.run(run())
    assert reading.verify(tmp_path, KEY).whole


def _no_space(_: Callable[[int], None]) -> Callable[[int], None]:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return fail
