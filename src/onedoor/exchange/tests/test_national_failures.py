"""What the directory's ledger makes of a disk that is full for a while, of a kill, and of systems that harm."""

from pathlib import Path

import pytest

from onedoor.exchange.directory import national as collecting
from onedoor.exchange.directory.national import National
from onedoor.exchange.tests.hostile import Hostile, answering
from onedoor.exchange.tests.test_national import KEY, System, closed, entries, opened, systems
from onedoor.exchange.witness.record import Record
from onedoor.kernel.durable import write_durably
from onedoor.kernel.ledger import Checkpoint, Verifier, leaf_hash

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


def too_long() -> bytes:
    """Return a signed checkpoint that is longer than an entry may be, by one byte."""
    bare = len(Checkpoint("bad", 1, leaf_hash(b"x"), ("a",)).sign("bad", KEY).encode())
    return Checkpoint("bad", 1, leaf_hash(b"x"), ("a" * (2**16 - bare + 1),)).sign("bad", KEY).encode()


def no_text() -> bytes:
    """Return a checkpoint that is signed as it is decoded with replacements, which grow."""
    signed = Checkpoint("bad", 1, leaf_hash(b"x"), ("\ufffd" * 40_000,)).sign("bad", KEY)
    return signed.encode().replace("\ufffd".encode(), b"\xff")


ATTACKS = {
    "redirected": b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    "too long": answering(too_long()),
    "no text": answering(no_text()),
    "no HTTP": b"\0\xff\r\n\r\n",
    "negative chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_one_system_sends_harms_that_system_alone(attack: str, systems: list[System], tmp_path: Path) -> None:
    with Hostile(ATTACKS[attack]) as bad:
        logs = [(Verifier("bad", KEY.public_key()), bad.url), *((one.verifier, one.url) for one in systems)]
        national = National(tmp_path / "directory", logs)
        assert national.collect() == 2
        assert national.failed == {"bad"}
        assert national.tree.size == 2
        closed(national)
