"""The directory's ledger: it takes what continues, names what does not, and is whole after a crash."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onedoor.exchange.directory import main
from onedoor.exchange.directory import national as collecting
from onedoor.exchange.directory.national import NAME, National, Read, reader
from onedoor.exchange.tests.hostile import Hostile, dripping
from onedoor.exchange.tests.nation import Place, free_base, wait_for
from onedoor.kernel.fetching import Server
from onedoor.kernel.ledger import Checkpoint, Tree, Verifier, audit, entries_of, leaf_hash, tiles_of, verify_checkpoint

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


class System:
    """A system's ledger, published in a folder and served over HTTP."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.verifier = Verifier(name, KEY.public_key())
        handler = partial(Silent, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def publish(self, size: int, story: str = "the one") -> None:
        tree = Tree()
        tree.extend(leaf_hash(f"{self.name} {story} {number}".encode()) for number in range(size))
        for tile in tiles_of(size):
            nodes = range(tile.start, tile.start + tile.width)
            path = self.folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(tree.storage.node(8 * tile.level, number) for number in nodes))
        (self.folder / "checkpoint").write_text(Checkpoint(self.name, size, tree.root()).sign(self.name, KEY))


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def systems(tmp_path: Path) -> Iterator[list[System]]:
    found = [System(tmp_path / name, f"onedoor/{name}") for name in ("portal", "police")]
    for one in found:
        one.folder.mkdir()
        one.publish(5)
    yield found
    for one in found:
        one.server.shutdown()
        one.server.server_close()


def opened(tmp_path: Path, systems: list[System]) -> National:
    return National(tmp_path / "directory", [(one.verifier, one.url) for one in systems])


def closed(national: National) -> None:
    national.tree.storage.close()  # type: ignore[attr-defined]


def entries(national: National) -> list[str]:
    """Return what an audit of the published files finds."""
    signed = verify_checkpoint((national.folder / "checkpoint").read_text(), national.verifier)

    def read(path: str, _most: int) -> bytes | None:
        return (national.folder / path).read_bytes() if (national.folder / path).exists() else None

    return [entry.decode() for _, found in audit(read, signed) for entry in found]


def test_every_checkpoint_that_continues_is_taken_once(systems: list[System], tmp_path: Path) -> None:
    national = opened(tmp_path, systems)
    assert national.collect() == 2
    assert national.collect() == 0
    systems[0].publish(300)
    assert national.collect() == 1
    closed(national)
    national = opened(tmp_path, systems)  # started anew, it knows what it took
    assert national.collect() == 0
    taken = [Checkpoint.parse(one.partition("\n\n")[0] + "\n") for one in entries(national)]
    sizes = [(one.origin, one.size) for one in taken]
    assert sorted(sizes[:2]) == [("onedoor/police", 5), ("onedoor/portal", 5)]  # in the order of their answers
    assert sizes[2:] == [("onedoor/portal", 300)]
    assert verify_checkpoint((national.folder / "checkpoint").read_text(), national.verifier).origin == NAME
    closed(national)


def test_a_ledger_that_grew_since_its_checkpoint_was_read_is_read_from_its_whole_tiles(
    systems: list[System], tmp_path: Path
) -> None:
    national = opened(tmp_path, systems)
    assert national.collect() == 2
    systems[0].publish(300)
    note = (systems[0].folder / "checkpoint").read_text()
    systems[0].publish(600)
    (systems[0].folder / "checkpoint").write_text(note)
    (systems[0].folder / "tile/0/001.p/44").unlink()
    assert national.collect() == 1
    assert not national.failed
    closed(national)


def test_a_ledger_that_shrank_changed_or_is_silent_is_named_and_holds_no_other_up(
    systems: list[System], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    national = opened(tmp_path, systems)
    assert national.collect() == 2
    for size, story in ((4, "the one"), (5, "another"), (9, "another")):
        systems[0].publish(size, story)
        systems[1].publish(10 + size)
        national.collect()
        assert national.failed == {"onedoor/portal"}
    assert caplog.text.count("checkpoint_refused") == 1  # told once, until it is well again
    (systems[0].folder / "checkpoint").unlink()
    national.collect()
    systems[0].publish(9)
    assert national.collect() == 1
    assert national.failed == set()
    assert not [one for one in entries(national) if "another" in one]
    closed(national)


@pytest.mark.parametrize("forged", ["another key", "another ledger"])
def test_a_checkpoint_that_its_system_did_not_sign_is_not_taken(
    forged: str, systems: list[System], tmp_path: Path
) -> None:
    one, key = systems[0], Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    national = opened(tmp_path, systems)
    assert national.collect() == 2
    one.publish(9)
    told = Checkpoint.parse((one.folder / "checkpoint").read_text().partition("\n\n")[0] + "\n")
    note = told.sign(one.name, key) if forged == "another key" else replace(told, origin="other").sign(one.name, KEY)
    (one.folder / "checkpoint").write_text(note)
    assert national.collect() == 0
    assert national.failed == {one.name}
    assert national.tree.size == 2
    closed(national)


def test_a_ledger_that_has_not_begun_is_waited_for_and_one_that_ended_is_missed(
    systems: list[System], tmp_path: Path
) -> None:
    national, checkpoint = opened(tmp_path, systems), systems[0].folder / "checkpoint"
    checkpoint.rename(aside := tmp_path / "aside")
    assert national.collect() == 1
    assert not national.failed
    aside.rename(checkpoint)
    assert national.collect() == 1
    checkpoint.unlink()
    national.collect()
    assert national.failed == {"onedoor/portal"}
    closed(national)


def test_a_system_that_starts_anew_is_not_silent_yet(
    systems: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    national = opened(tmp_path, systems)
    systems[0].server.shutdown()
    systems[0].server.server_close()
    assert national.collect() == 1
    assert not national.failed
    monkeypatch.setattr("onedoor.exchange.directory.national.AWAY", 0.0)
    national.collect()
    assert national.failed == {"onedoor/portal"}
    closed(national)


def test_a_system_that_drips_holds_up_nobody_and_is_left(
    systems: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PATIENCE", 1.0)
    for head in (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "):
        with Hostile(head, dripping) as bad:
            logs = [(Verifier("bad", KEY.public_key()), bad.url), *((one.verifier, one.url) for one in systems)]
            national = National(tmp_path / f"directory{len(head)}", logs)
            round_ = Thread(target=national.collect)
            round_.start()
            wait_for(lambda taken=national: taken.tree.size == 2, "the others")  # type: ignore[misc]
            assert round_.is_alive()
            round_.join(20)
            assert not round_.is_alive()
            assert national.failed == {"bad"}
            closed(national)


def test_collecting_goes_on_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "COLLECT", 0.01)
    calls: list[int] = []

    class Failing:
        def collect(self) -> None:
            calls.append(1)
            raise ValueError("out of the blue")

    class Server(main.DirectoryServer):
        def __init__(self) -> None:
            self.national = Failing()  # type: ignore[assignment]

    async def some_rounds() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(Server().collect(), 0.3)

    asyncio.run(some_rounds())
    assert len(calls) > 2


def test_many_at_once_fill_tiles_and_a_crash_at_each_step_leaves_all_or_nothing(
    systems: list[System], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    national = opened(tmp_path, systems)
    national.take([f"note {number}" for number in range(250)])
    closed(national)
    for step in range(5, 0, -1):
        national = opened(tmp_path, systems)
        before, calls = national.tree.size, iter(range(step))

        def dies(path: object, to: object, calls: Iterator[int] = calls) -> None:
            if next(calls, None) is None:
                raise OSError("the disk is full")
            Path(str(path)).rename(str(to))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dies)
            with pytest.raises(OSError, match="full"):
                national.take([f"more {number}" for number in range(300)])
        closed(national)
        national = opened(tmp_path, systems)
        assert national.tree.size in (before, before + 300)
        national.take(["the last"])
        assert len(found := entries(national)) == national.tree.size
        assert found[-1] == "the last"
        assert found[:250] == [f"note {number}" for number in range(250)]
        closed(national)
    assert entries_of(b"", 0) == []


def test_the_directory_collects_and_serves_it_beside_the_configuration(systems: list[System], tmp_path: Path) -> None:
    policy = tmp_path / "ledgers"
    policy.write_text("".join(f"log {one.verifier} {one.url}\n" for one in systems))
    with Place(tmp_path / "var", free_base()) as place:
        place.environments["directory"]["ONEDOOR_LEDGER_POLICY"] = str(policy)
        place.start("directory")
        address = place.environments["directory"]["ONEDOOR_LISTEN"]
        fetch = reader(Server(f"http://{address}", 5.0))
        wait_for(lambda: answered(fetch, "ledger/checkpoint"), "the directory's ledger")
        log = Verifier.parse(fetch("ledger/key", 500).decode().strip())
        wait_for(lambda: b"\n2\n" in fetch("ledger/checkpoint", 5000), "the signature over both")
        assert verify_checkpoint(fetch("ledger/checkpoint", 5000).decode(), log).size == 2
        assert len(entries_of(fetch("ledger/tile/entries/000.p/2", 5000), 2)) == 2
        assert fetch("configuration", 10**6)
        for hidden in ("ledger/../ledger/key", "ledger/tree", "ledger/../signing.key", "ledger/", "ledger/tile/0/000"):
            assert not answered(fetch, hidden)


def answered(fetch: Read, path: str) -> bool:
    with suppress(OSError):
        return bool(fetch(path, 10**6))
    return False
