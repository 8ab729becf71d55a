"""What the processes of a gateway leave for one another: whose it is, and what becomes of it when they are gone."""

import os
import time
from pathlib import Path

import pytest

from onedoor.exchange.gateway import shares, summaries
from onedoor.exchange.gateway.healthy import Health
from onedoor.exchange.tests.test_operations import NOW, record

RUNS, GONE = 1, 2**22 + 7
"""Numbers of a process that runs, and of one that cannot be."""


def left(folder: Path, number: int) -> Path:
    """Return what the process *number* left of one message."""
    one, health = summaries.Summary(NOW - NOW % summaries.PERIOD), Health()
    one.add(record())
    health.add(record(), NOW)
    path = folder / f"{shares.KIND}{number}.json"
    path.write_bytes(shares.Share(one.told(), health.services).encoded())
    return path


def kept(folder: Path) -> int:
    """Return how many messages the summaries of *folder* hold."""
    found = summaries.read(folder, 0, 2**40)
    return sum(cell.count for one in found for cell in one.cells.values())


def test_what_another_process_left_is_told_while_it_runs_and_leaves_more(tmp_path: Path) -> None:
    path = left(tmp_path, RUNS)
    left(tmp_path, os.getpid())
    left(tmp_path, GONE)
    assert len(list(shares.others(tmp_path))) == 1
    os.utime(path, (time.time() - shares.SILENT - 1,) * 2)
    assert not list(shares.others(tmp_path)), "another program has got its number"


@pytest.mark.parametrize("why", ["it is gone", "its number is our own", "it is silent", "it is another user's"])
def test_what_a_process_left_that_is_no_more_is_added_to_the_summaries_once(
    tmp_path: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = left(tmp_path, {"it is gone": GONE, "its number is our own": os.getpid()}.get(why, RUNS))
    if why == "it is silent":
        os.utime(path, (time.time() - shares.SILENT - 1,) * 2)
    elif why == "it is another user's":

        def kill(*_: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", kill)
    assert not list(shares.others(tmp_path))
    for _ in range(2):
        shares.adopt(tmp_path)
    assert (kept(tmp_path), list(tmp_path.glob(f"{shares.KIND}*"))) == (1, [])


def test_what_a_process_left_that_runs_stays_its_own(tmp_path: Path) -> None:
    path = left(tmp_path, RUNS)
    shares.adopt(tmp_path)
    assert (kept(tmp_path), path.exists()) == (0, True)


def test_what_another_process_is_just_adding_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, renamed = left(tmp_path, GONE), Path.rename

    def slower(self: Path, to: Path) -> None:
        renamed(self, to)
        raise FileNotFoundError

    monkeypatch.setattr(Path, "rename", slower)
    shares.adopt(tmp_path)
    assert path.with_suffix(".taken").exists()


def test_a_full_disk_or_another_version_hinders_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{shares.KIND}{GONE}.json").write_bytes(b'{"told": [1, [["a", "b", "c", 1]], {}], "health": {}}')
    shares.adopt(tmp_path)

    def full(*_: object) -> None:
        raise OSError("full")

    left(tmp_path, GONE)
    monkeypatch.setattr(summaries, "keep", full)
    shares.adopt(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [f"{GONE}", f"{RUNS}", "no-number"])
def test_what_cannot_be_read_of_others_hinders_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{shares.KIND}{name}.json").write_bytes(b"[")
    assert not list(shares.others(tmp_path))
    shares.adopt(tmp_path)
    assert kept(tmp_path) == 0


def test_what_a_process_left_is_whole_while_it_leaves_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shares.write(tmp_path, b"whole")
    (path,) = tmp_path.glob(f"{shares.KIND}*")

    def half(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError("full")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="full"):
        shares.write(tmp_path, b"more")
    assert path.read_bytes() == b"whole"
