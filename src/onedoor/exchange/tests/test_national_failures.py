"""What the directory's ledger makes of a disk that is full for a while, and of a kill between two of its writes."""

from pathlib import Path

import pytest

from onedoor.exchange.directory import national as collecting
from onedoor.exchange.tests.test_national import System, closed, entries, opened, systems
from onedoor.exchange.witness.record import Record
from onedoor.kernel.durable import write_durably

__all__ = ["systems"]


def failing(*_: object) -> None:
    raise OSError("the disk is full")


def test_what_was_taken_before_a_kill_is_not_taken_again(
    systems: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    national = opened(tmp_path, systems)
    with monkeypatch.context() as patch:
        patch.setattr(Record, "keep", failing)
        with pytest.raises(OSError, match="full"):
            national.collect()
    closed(national)
    national = opened(tmp_path, systems)
    national.collect()
    assert (len(entries(national)), national.collect()) == (2, 0)
    systems[0].publish(9, "another")  # what it took it holds a system to
    systems[1].publish(9, "another")
    national.collect()
    assert national.failed == {one.name for one in systems}
    closed(national)


@pytest.mark.parametrize("missing", ["tile/0", "checkpoint"])
def test_a_disk_that_was_full_leaves_no_gap_and_nothing_twice(
    missing: str, systems: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    national = opened(tmp_path, systems)
    national.take([f"note {number}" for number in range(250)])

    def write(path: Path, data: bytes) -> None:
        failing() if missing in str(path) else write_durably(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(collecting, "write_durably", write)
        for one in systems:
            one.publish(6)
            with pytest.raises(OSError, match="full"):
                national.collect()
    for more in (0, 1, 1):
        systems[0].publish(6 + more)
        national.collect()
        found = entries(national)
        assert len(found) == len(set(found)) == national.tree.size
    closed(national)
