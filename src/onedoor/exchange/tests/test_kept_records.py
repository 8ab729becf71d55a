"""What records of operation take of a disk and of memory is bounded; files that change meanwhile are read."""

import os
import time
from pathlib import Path

import pytest

from onedoor.exchange.gateway import operations, records, summaries
from onedoor.exchange.gateway.healthy import Health, Spread
from onedoor.exchange.gateway.operations import Operations
from onedoor.exchange.gateway.summaries import Summary
from onedoor.exchange.tests.nation import wait_for
from onedoor.exchange.tests.test_operations import NOW, Told, record


def test_records_leave_room_on_the_disk_and_the_oldest_go_when_they_are_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(operations, "TURN", 0.01)
    own = Operations(tmp_path)
    own.folder.mkdir()
    files = [own.folder / f"{records.KIND}{second:011d}-1-0.jsonl.gz" for second in (1, 2, 3)]
    for place, path in enumerate(files):
        path.write_bytes(bytes(4000))
        os.utime(path, (time.time() - 100 + place,) * 2)
    monkeypatch.setattr(operations, "MOST_KEPT", 11_000)
    monkeypatch.setattr(operations, "SPARE", 2**70)
    own.begin()
    own.put(Told(record(id="lost")))
    wait_for(lambda: own.dropped == 1, "a dropped record")
    monkeypatch.setattr(operations, "SPARE", 0)
    own.put(Told(record(id="kept")))
    own.close()
    assert "operations.not_kept error=OSError" in caplog.text
    assert [path.exists() for path in files] == [False, True, True]
    assert [one.id for _, one in records.found(own.folder, 0, 2**40, lambda _: True, 99)[0]] == ["kept"]


def test_a_file_that_is_compressed_while_it_is_looked_for_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in (100, 200):
        path = tmp_path / f"{records.KIND}{second:011d}-1-0.jsonl"
        path.write_bytes(records.line(second, record(id=str(second))))
    listed = records.files(tmp_path)
    monkeypatch.setattr(records, "files", lambda _: listed)
    records.compress(listed[0])
    assert [one.id for _, one in records.found(tmp_path, 0, 300, lambda _: True, 9)[0]] == ["100", "200"]
    listed[0].with_name(f"{listed[0].name}.gz").unlink()
    assert [one.id for _, one in records.found(tmp_path, 0, 300, lambda _: True, 9)[0]] == ["200"]


def test_a_broken_line_or_file_hides_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths = [tmp_path / f"{records.KIND}{second:011d}-1-0.jsonl" for second in (100, 200, 300)]
    torn = (b"\0" * 9 + b"\n", b"[100,1]\n", b"[100,\n")
    for second, path in zip((100, 200, 300), paths, strict=True):
        lines = (records.line(second, record(id=f"{second}-{at}")) for at in range(1000))
        path.write_bytes(b"".join((next(lines), *(torn if second == 100 else ()), *lines)))
    records.compress(paths[1])
    cut = paths[1].with_name(f"{paths[1].name}.gz")
    cut.write_bytes(cut.read_bytes()[:-200])
    found = [at for at, _ in records.found(tmp_path, 0, 400, lambda _: True, 9999)[0]]
    assert (found.count(100), found.count(300)) == (1000, 1000)
    assert f"operations.unread file={cut.name} error=EOFError" in caplog.text


def test_a_torn_line_hides_no_other_summary(tmp_path: Path) -> None:
    for number in range(2):
        for _ in range(2):
            one = Summary(NOW - NOW % summaries.PERIOD)
            one.add(record())
            summaries.keep(tmp_path, one)
        (path,) = tmp_path.iterdir()
        if not number:
            path.write_bytes(path.read_bytes()[:-9])
    assert len(list(summaries.read(tmp_path, 0, 2**40))) == 2


def test_a_summary_tells_a_bounded_number_of_faults_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "MOST_FAULTS", 2)
    cells = summaries.Cell(), summaries.Cell()
    for number in range(5):
        cells[0].add(record(fault=f"Server.{number}"))
    cells[1].merge(cells[0])
    cells[1].merge(cells[0])
    assert cells[1].faults == {"Server.0": 2, "Server.1": 2, "*": 6}


def test_a_clock_that_was_put_back_counts_no_message_for_longer_than_ten_minutes() -> None:
    health = Health()
    health.add(record(), NOW + 86400)
    (state,) = health.services.values()
    assert state.over(NOW).good == 0
    for second in range(NOW, NOW + 3600, 60):
        health.add(record(), second)
    assert state.over(NOW + 3599).good <= 10
    assert len(state.parts) < 15


def test_large_values_that_are_all_alike_have_no_deviation() -> None:
    sizes = Spread()
    for _ in range(7):
        sizes.add(8_589_934_749)  # of which squares, as they are kept, come to less than those of the mean
    assert sizes.told(7)[3] == 0
