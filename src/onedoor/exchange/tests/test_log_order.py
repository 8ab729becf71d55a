"""What must have reached the disk before what, in the message log: a disk that hangs, fails or takes a part."""

import asyncio
import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from onedoor.exchange.gateway import log as logs
from onedoor.exchange.gateway import reading, segments
from onedoor.exchange.gateway.log import Log

KEY = secrets.token_bytes(32)
SYNC, WRITE, FOLDER = os.fdatasync, os.pwritev, logs.sync_folder
Future = asyncio.Future[OSError | None]


def append(log: Log, payload: bytes = b"x", *, lazy: bool = False) -> Future:
    done: Future = asyncio.get_running_loop().create_future()
    log.append(reading.SENT_REQUESTS, payload, done.set_result, lazy=lazy)
    return done


def payloads(folder: Path) -> list[bytes]:
    return [one.payload or b"" for path in sorted(folder.glob("*.log")) for one in segments.records(path, KEY)]


class Disk:
    """Waits at each fdatasync until it is *let*, then fails if it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let, self.reached, self.fails = Event(), Event(), False
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, handle: int) -> None:
        self.reached.set()
        self.let.wait(10)
        if self.fails:
            raise OSError(errno.EIO, "broken")
        SYNC(handle)


def test_what_was_written_while_the_disk_failed_is_not_told_durable_by_the_next_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system forgets what it could not write: the next fdatasync succeeds all the same."""
    disk = Disk(monkeypatch)

    async def run() -> None:
        log = Log(tmp_path, KEY)
        first = append(log)
        await asyncio.to_thread(disk.reached.wait, 10)
        second = append(log)
        disk.fails = True
        monkeypatch.setattr(os, "fdatasync", SYNC)  # what comes after is well again
        disk.let.set()
        assert [one is not None for one in (await first, await second)] == [True, True]
        log.close()

    asyncio.run(run())


def test_a_log_that_failed_begins_anew_only_when_nothing_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "RETRY", 0.0)
    disk = Disk(monkeypatch)

    async def run() -> None:
        log = Log(tmp_path, KEY)
        first = append(log, b"first")
        await asyncio.to_thread(disk.reached.wait, 10)
        monkeypatch.setattr(os, "pwritev", _refusing)
        assert await append(log) is not None
        monkeypatch.setattr(os, "pwritev", WRITE)
        assert await append(log) is not None, "its segment is at the disk still"
        disk.let.set()
        assert await first is None
        assert await append(log, b"second") is None
        log.close()

    asyncio.run(run())
    assert payloads(tmp_path) == [b"first", b"second"]
    assert reading.verify(tmp_path, KEY).whole


def test_a_record_that_the_disk_took_in_part_is_refused_and_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "RETRY", 0.0)

    async def run() -> None:
        log = Log(tmp_path, KEY)
        assert await append(log, b"first") is None
        monkeypatch.setattr(os, "pwritev", lambda handle, parts, at: WRITE(handle, parts[:2], at))
        assert await append(log, b"torn") is not None
        monkeypatch.setattr(os, "pwritev", WRITE)
        assert await append(log, b"second") is None
        log.close()

    asyncio.run(run())
    assert payloads(tmp_path) == [b"first", b"second"]
    assert reading.verify(tmp_path, KEY).whole


def test_the_name_of_a_segment_is_on_the_disk_before_its_records_are_told_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = set[str]()

    def sync(folder: Path) -> None:
        FOLDER(folder)
        named.update(path.name for path in tmp_path.glob("*.log"))

    for module in (logs, segments):
        monkeypatch.setattr(module, "sync_folder", sync)

    async def run() -> None:
        log = Log(tmp_path, KEY, size=8192)
        for _ in range(4):
            while log._spare is None:  # noqa: ASYNC110 - another thread lays it out
                await asyncio.sleep(0.001)
            assert await append(log, bytes(5000)) is None
            assert log._path.name in named
        append(log, bytes(5000), lazy=True)
        log.close()
        assert log._path.name in named

    asyncio.run(run())


def test_what_may_wait_is_durable_though_nothing_else_is_written(tmp_path: Path) -> None:
    async def run() -> None:
        log = Log(tmp_path, KEY)
        async with asyncio.timeout(10):
            assert await append(log, lazy=True) is None
        log.close()

    asyncio.run(run())


def test_what_may_wait_is_on_the_disk_when_the_log_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = set[int]()

    def noting(sync: Callable[[int], None]) -> Callable[[int], None]:
        def noted(handle: int) -> None:
            sync(handle)
            synced.add(os.fstat(handle).st_ino)

        return noted

    async def run() -> None:
        log = Log(tmp_path, KEY, size=8192)
        for _ in range(3):
            append(log, bytes(5000), lazy=True)
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, noting(getattr(os, name)))
        log.close()

    asyncio.run(run())
    assert len(payloads(tmp_path)) == 3
    assert {path.stat().st_ino for path in tmp_path.glob("*.log")} <= synced


def test_a_record_behind_one_whose_head_is_gone_is_no_end_of_the_log(tmp_path: Path) -> None:
    async def run() -> None:
        log = Log(tmp_path, KEY)
        for payload in (b"first", b"second", b"third"):
            assert await append(log, payload) is None
        log.close()

    asyncio.run(run())
    (path,) = tmp_path.glob("*.log")
    first, *_ = segments.records(path, KEY)
    with path.open("r+b") as file:
        file.seek(first.end)
        file.write(bytes(segments.RECORD.size))
    verdict = reading.verify(tmp_path, KEY)
    assert (verdict.whole, verdict.records) == (False, 1)


def _refusing(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")
