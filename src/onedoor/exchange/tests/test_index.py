"""The index of a message log: it finds what the log holds, reads nothing else, and is made anew when it is not true."""

import asyncio
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from onedoor.exchange.gateway import batches, index, reading, segments
from onedoor.exchange.gateway.index import Index
from onedoor.exchange.gateway.log import Log
from onedoor.exchange.gateway.messages import Message, request_head, response_head
from onedoor.signing.certificates import Authority, Subject
from onedoor.signing.keys import new_key

KEY = secrets.token_bytes(32)
Write = Callable[..., None]


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> batches.Sealer:
    key = new_key()
    certificate = Authority.create(tmp_path_factory.mktemp("ca")).issue(Subject("a"), key.public_key(), "sign")
    return batches.Sealer.of("a", key, certificate)


@pytest.fixture
def write(tmp_path: Path, sealer: batches.Sealer) -> Write:
    def write(*ids: str, folder: Path = tmp_path / "log") -> None:
        async def running() -> None:
            log = Log(folder, KEY, size=1)
            for one in ids:
                message = Message.of(request_head(b"GET", b"/r1/x", [(b"X-Road-Id", one.encode())]), b"")
                log.append(reading.SENT_REQUESTS, batches.seal(1, sealer, "b", [message], 1), lambda _: None)
            await asyncio.sleep(0)
            log.close()

        asyncio.run(running())

    return write


def of(folder: Path) -> Index:
    made = Index(folder / "log", KEY)
    while made.catch_up():
        pass
    return made


def ids(found: Index, wanted: str) -> list[str]:
    payloads = [one.payload or b"" for one in found.records(wanted)]
    return [head.rpartition(b":")[2].strip().decode() for one in payloads for head in batches.heads(one)]


def test_only_what_may_hold_a_message_is_read(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(*(f"id-{number}" for number in range(40)), "id-7", "last")
    found = of(tmp_path)
    read = []
    records = segments.records
    monkeypatch.setattr(segments, "records", lambda path, key: read.append(path) or records(path, key))  # type: ignore[func-returns-value]
    assert ids(found, "id-7") == ["id-7", "id-7", "last"]
    assert ids(found, "none") == ["last"]
    assert len(read) == 2, "the segment that is being written, each time"


def test_what_came_after_the_index_was_made_is_found(tmp_path: Path, write: Write) -> None:
    write("a", "b", "c")
    found = of(tmp_path)
    write("d", "e")
    assert ids(found, "d") == ["c", "d", "e"]
    assert found.catch_up()
    assert ids(of(tmp_path), "d") == ["d", "e"]


@pytest.mark.parametrize("fault", ["lost", "torn", "of-another-log"])
def test_an_index_that_is_not_true_is_made_anew(tmp_path: Path, write: Write, fault: str) -> None:
    write("a", "b", "c", "z")
    before = of(tmp_path)
    files = {path: path.read_bytes() for path in (tmp_path / "log").glob(f"{index.FILE}*")}
    before.close()
    if fault == "lost":
        (tmp_path / "log" / index.FILE).unlink()
    elif fault == "torn":
        (tmp_path / "log" / index.FILE).write_bytes(os.urandom(4096))
    else:  # as a gateway leaves it that is killed
        shutil.rmtree(tmp_path / "log")
        write("c", "b", "a", "z")
        for path, data in files.items():
            path.write_bytes(data)
    found = of(tmp_path)
    assert ids(found, "a") == ["a", "z"]
    assert ids(found, "b") == ["b", "z"]


def test_a_record_that_was_lost_hides_no_other(tmp_path: Path, write: Write) -> None:
    write("same", "same", "z")
    found = of(tmp_path)
    first = tmp_path / "log" / "00000002.log"
    segments.cut(first, segments.START + 10)
    assert ids(found, "same") == ["same", "z"]


@pytest.mark.parametrize("torn", [False, True])
def test_the_index_of_another_worker_is_left_as_it_is(tmp_path: Path, write: Write, *, torn: bool) -> None:
    write("a", "b", "z")
    file = tmp_path / "log" / index.FILE
    if torn:
        file.write_bytes(b"torn" * 1024)
    other = Index(tmp_path / "log", KEY, own=False)
    assert ids(other, "b") == ["a", "b", "z"]
    other.close()
    assert (file.read_bytes() == b"torn" * 1024) if torn else not file.exists()


def test_what_the_index_takes_up_while_it_is_asked_is_found_once(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a", "b", "z")
    found = of(tmp_path)
    monkeypatch.setattr(found, "_taken", lambda: 2)
    assert ids(found, "b") == ["b", "z"]


def test_a_record_that_is_being_written_hides_none_before_it(tmp_path: Path, write: Write) -> None:
    write("a", "z")
    with (tmp_path / "log" / "00000003.log").open("ab") as last:
        last.write(b"half a record" * 10)
    assert ids(of(tmp_path), "a") == ["a", "z"]


def test_an_index_that_fails_keeps_no_other_from_catching_up(tmp_path: Path, write: Write) -> None:
    logs = [tmp_path / "log", tmp_path / "log" / "1"]
    for log in logs:
        write("a", "b", "z", folder=log)
    indices = index.Indices(logs[0], KEY, logs)
    indices.of(logs[0]).close()

    async def running() -> None:
        task = asyncio.create_task(indices.run())
        while indices.of(logs[1])._taken() < 3 and not task.done():  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()

    asyncio.run(running())
    indices.close()


def test_a_segment_whose_head_is_broken_keeps_no_later_one_out_of_the_index(tmp_path: Path, write: Write) -> None:
    write("a", "b", "c", "z")
    broken = tmp_path / "log" / "00000003.log"
    broken.write_bytes(b"?" + broken.read_bytes()[1:])
    found = of(tmp_path)
    assert (ids(found, "a"), ids(found, "b"), ids(found, "c")) == (["a", "z"], ["z"], ["c", "z"])


def test_a_body_that_was_passed_on_hides_nothing_behind_it(tmp_path: Path, sealer: batches.Sealer) -> None:
    async def running() -> None:
        log = Log(tmp_path / "log", KEY, size=1)
        heads = [request_head(b"GET", b"/r1/x", [(b"X-Road-Id", one)]) for one in (b"large", b"small")]
        batch = [Message.closing(heads[0], bytes(64)), Message.of(heads[1], b"")]
        log.append(reading.SENT_REQUESTS, batches.seal(1, sealer, "b", batch, 1), lambda _: None)
        log.append(reading.SENT_REQUESTS, b"nothing that can be read", lambda _: None)
        log.append(reading.REFUSED, b"", lambda _: None)
        await asyncio.sleep(0)
        log.close()

    asyncio.run(running())
    found = of(tmp_path)
    assert found._taken() == 3, "what cannot be read keeps no other from being found"
    for one in ("large", "small"):
        assert [record.kind for record in found.records(one)] == [reading.SENT_REQUESTS, reading.REFUSED]


def test_segments_may_have_been_moved_away(tmp_path: Path, write: Write) -> None:
    write("a", "b", "c", "d", "z")
    for number in (1, 2, 4):
        (tmp_path / "log" / f"{number:08d}.log").unlink()
    for found in (of(tmp_path), of(tmp_path)):
        assert ids(found, "b") == ["b", "z"]
        assert ids(found, "d") == ["d", "z"]
    (tmp_path / "log" / "00000003.log").unlink()
    assert ids(found, "b") == ["z"], "also after they were taken up"


def test_nothing_of_a_message_stands_in_the_index(tmp_path: Path, write: Write) -> None:
    write("a-very-special-id", "z")
    of(tmp_path).close()
    (kept,) = (tmp_path / "log").glob(f"{index.FILE}*")
    assert b"special" not in kept.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    mine, strange = (Index(tmp_path / "log", key, own=False) for key in (KEY, bytes(32)))
    assert mine._mark(b"id") != strange._mark(b"id"), "nor can an id be tried without the key"


def test_no_place_in_a_segment_but_a_records_own_is_read(tmp_path: Path, write: Write) -> None:
    write("a", "z")
    path = tmp_path / "log" / "00000002.log"
    assert segments.record_at(path, KEY, segments.START, 0).payload
    for at, number in ((segments.START + 1, 0), (segments.START, 1), (0, 0), (path.stat().st_size, 0)):
        with pytest.raises(segments.BrokenSegment):
            segments.record_at(path, KEY, at, number)


def test_what_this_run_wrote_is_noted_as_reading_it_would_find_it(
    tmp_path: Path, sealer: batches.Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "log"

    async def running() -> Index:
        log = Log(folder, KEY, size=4096)
        found = Index(folder, KEY)
        log.written = found.note
        for number in range(60):
            messages = [
                Message.of(request_head(b"GET", b"/r1/x", [(b"X-Road-Id", b"id-%d" % (number * 3 + part))]), b"body")
                for part in range(3)
            ]
            kind = reading.REFUSED if number % 7 == 0 else reading.SENT_REQUESTS
            log.append(kind, batches.seal(1, sealer, "b", messages, 1), lambda _: None)
        log.append(reading.REFUSED, b"x" * 4096, lambda _: None)
        await asyncio.sleep(0)
        log.close()
        return found

    found = asyncio.run(running())
    with monkeypatch.context() as patched:
        patched.setattr(segments, "records", lambda *_: pytest.fail("a segment was read"))
        while found.catch_up():
            pass
    noted = _rows(folder)
    assert len({segment for _, segment, _, _ in noted}) > 5
    found.close()
    (folder / index.FILE).unlink()
    of(tmp_path).close()
    assert noted == _rows(folder)


def test_a_segment_with_time_stamps_is_read(tmp_path: Path) -> None:
    async def running() -> Index:
        log = Log(tmp_path / "log", KEY, size=4096)
        found = Index(tmp_path / "log", KEY)
        log.written = found.note
        log.append(reading.STAMPED, b'{"signatures": [["a", "YQ==", ""], ["b", "Yg==", ""]]}', lambda _: None)
        log.append(reading.REFUSED, b"x" * 4096, lambda _: None)
        await asyncio.sleep(0)
        log.close()
        return found

    found = asyncio.run(running())
    assert 1 not in found._noted, "beside the path of messages"
    assert found.catch_up()
    assert [one.kind for one in found.stamps(b"b")] == [reading.STAMPED]
    assert not list(found.stamps(b"c"))


def test_of_many_ids_in_one_head_the_first_is_found_behind_a_reason_that_looks_like_one(
    tmp_path: Path, sealer: batches.Sealer
) -> None:
    async def running() -> None:
        log = Log(tmp_path / "log", KEY, size=4096)
        names = [(b"X-Road-Id", b"first"), *[(b"X-Road-Id", b"%d" % number) for number in range(100)]]
        message = Message.of(response_head(200, b"x-road-id:reason", names), b"")
        log.append(reading.SENT_RESPONSES, batches.seal(batches.RESPONSES, sealer, "b", [message], 1), lambda _: None)
        log.append(reading.REFUSED, b"x" * 4096, lambda _: None)
        await asyncio.sleep(0)
        log.close()

    asyncio.run(running())
    assert of(tmp_path).catch_up() is False
    assert len(_rows(tmp_path / "log")) == index.LINES
    assert [one.kind for one in of(tmp_path).records("first")] == [reading.SENT_RESPONSES, reading.REFUSED]


def test_a_segment_whose_places_are_not_in_memory_any_more_is_read(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MOST_NOTED", 3)
    write("a", "b", "c", "d", "e", "last")
    found = Index(tmp_path / "log", KEY)
    for segment in range(2, 6):  # the first one is empty; of the second it is forgotten again that it holds nothing
        found.note(segment, 0, 0, reading.REFUSED, b"")
    found.note(6, 0, 1, reading.REFUSED, b"")  # not noted from its beginning on
    while found.catch_up():
        pass
    assert ids(found, "a") == ["a", "last"]
    assert ids(found, "b") == ids(found, "d") == ["last"]
    assert ids(found, "e") == ["e", "last"]


def _rows(folder: Path) -> list[tuple[int, int, int, int]]:
    with closing(sqlite3.connect(folder / index.FILE)) as connection:
        return connection.execute("SELECT mark, segment, at, number FROM place ORDER BY 1, 2, 3").fetchall()
