"""Killed at each step, with a full disk, a database that restarts, clocks apart: never data without a record."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from onedoor.site.embedded import Server
from onedoor.site.tests.gated_reads import lines

ROOT = Path(__file__).parents[4]
SMALL = {"max_wal_size": "48MB", "min_wal_size": "32MB"}
DISK = "160m"
ENOUGH = 25
PATIENCE = 60


class System:
    """A system with a server of its own in *folder*, whose processes are `gated_reads`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "postgres", SMALL)
        self.server.prepare()
        self.server.start()
        self.url = self.server.ensure_database("node")
        (folder / "state").mkdir(mode=0o700)
        assert self.run("prepare").split() == ["ready"]

    def environment(self, ahead: float = 0) -> dict[str, str]:
        return os.environ | {
            "ONEDOOR_ROLE": "test",
            "ONEDOOR_NATION": str(ROOT / "nations" / "vietnam"),
            "ONEDOOR_DATABASE_URL": self.url,
            "ONEDOOR_STATE": str(self.folder / "state"),
            "DJANGO_SETTINGS_MODULE": "onedoor.site.settings",
            "ONEDOOR_LOG_LEVEL": "error",
            "TEST_CLOCK_OFFSET": str(ahead),
        }

    def command(self, mode: str) -> list[str]:
        return [sys.executable, "-m", "onedoor.site.tests.gated_reads", mode]

    def run(self, mode: str) -> str:
        done = subprocess.run(
            self.command(mode), check=True, stdout=subprocess.PIPE, text=True, env=self.environment(), timeout=PATIENCE
        )
        return done.stdout

    @contextmanager
    def load(self, ahead: float = 0) -> Iterator["Load"]:
        load = Load(self, ahead)
        try:
            yield load
        finally:
            load.end()

    def recorded(self) -> dict[str, int | None]:
        """Return the ids of all records of allowed reads, with their positions in the ledger."""
        query = (
            "SELECT record.id::text, position FROM privacy_readrecord AS record"
            " JOIN store_ledger_entry AS entry ON entry.id = record.entry WHERE refused = ''"
        )
        with psycopg.connect(self.url) as door:
            return dict(door.execute(query).fetchall())

    def crash(self) -> None:
        """Have the server end in the middle of whatever it does; it recovers at its next start."""
        self.server._run("pg_ctl", "-D", str(self.server.data), "-m", "immediate", "-w", "stop")

    def sound(self) -> bool:
        said = self.run("check").split()
        return said[0] == "sound" and len(said) == 2


class Load:
    """A process that answers reads on many threads."""

    def __init__(self, system: System, ahead: float) -> None:
        self.path = system.folder / f"said-{time.monotonic_ns()}"
        with self.path.open("wb") as said, (system.folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                system.command("load"), stdin=subprocess.PIPE, stdout=said, stderr=errors, env=system.environment(ahead)
            )

    def answers(self, status: str = "200") -> list[str]:
        return list(lines(self.path.read_text(), status))

    def others(self) -> set[str]:
        return {line.partition(" ")[0] for line in self.path.read_text().splitlines()} - {"200"}

    def until(self, more: int = ENOUGH, *, refused: bool = False) -> None:
        """Wait until so many more reads were answered, or refused for want of a database."""
        count = (lambda: self.path.read_text().splitlines().count("503")) if refused else (lambda: len(self.answers()))
        before, deadline = count(), time.monotonic() + PATIENCE
        while count() < before + more:
            assert time.monotonic() < deadline, self.path.read_text()[-500:]
            assert self.process.poll() is None
            time.sleep(0.05)

    def end(self) -> None:
        if self.process.poll() is None and self.process.stdin:
            self.process.stdin.close()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    found = System(tmp_path_factory.mktemp("fire"))
    yield found
    found.server.stop()


def test_a_process_killed_at_any_step_of_a_read_has_answered_nothing_that_is_not_recorded(system: System) -> None:
    before = len(system.recorded())
    said = system.run("steps")
    answered = list(lines(said, "200"))
    killed = said.count("killed")
    assert killed >= 4, "a read asks the database twice at least: what there is, and for the record"
    assert answered, "in the end nobody kills it"
    assert said.index("200 ") > said.index("killed after"), "before the record there is no answer"
    recorded = system.recorded()
    assert set(answered) <= set(recorded)
    assert len(recorded) > before + len(answered), "killed after the record, before the answer: recorded, not told"


def test_a_database_that_restarts_or_crashes_under_load_loses_no_record_of_what_was_answered(system: System) -> None:
    with system.load() as load:
        load.until()
        system.server.stop()
        load.until(5, refused=True)
        system.server.start()
        load.until()
        system.crash()
        load.until(5, refused=True)
        system.server.start()
        load.until()
    assert load.others() == {"503"}
    assert set(load.answers()) <= set(system.recorded())


@pytest.mark.soak
def test_clocks_two_hours_apart_do_not_shake_the_ledger_whose_order_counts(system: System) -> None:
    with system.load(ahead=7200) as ahead:
        ahead.until()
    assert system.sound()
    with system.load() as behind:
        behind.until()
    assert system.sound()
    positions = system.recorded()
    first, second = ahead.answers(), behind.answers()
    assert max(second) < min(first), "by its own clock the second was earlier"
    assert max(positions[one] or 0 for one in first) < min(positions[one] or 0 for one in second)


@pytest.mark.soak
def test_with_a_full_disk_reads_stop_and_go_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        system = System(disk)
        with system.load() as load:
            load.until()
            filler = disk / "filler"
            _fill(filler)
            load.until(20, refused=True)
            full = len(load.answers())
            filler.unlink()
            system.crash()
            system.server.start()
            load.until()
        assert load.others() == {"503"}
        assert len(load.answers()) > full
        assert set(load.answers()) <= set(system.recorded())
        assert system.sound()
    finally:
        Server(disk / "postgres", SMALL).stop()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def _fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                continue
