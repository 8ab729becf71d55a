"""The restore drill: a nation is backed up, goes on, is destroyed, and stands again; what is lost is said."""

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from onedoor.site.story.play import MOTHER
from onedoor.site.up.plan import Options, parts, systems
from tests.nation.patient import PatientStory
from tests.nation.running import HOME, Running, alive, copy_of_the_nation, free_base, onedoor, wait_for

pytestmark = [pytest.mark.nation, pytest.mark.timeout(300)]
GROWN = ("portal", "node-G01")
"""Systems whose ledger grows when a birth is declared."""
FIXED = re.compile(r"The ledger is sound: (\d+) entries")


@pytest.fixture
def own() -> Iterator[Running]:
    """Give a running nation that may be destroyed."""
    var = HOME / f"{os.getpid()}-drill"
    running = Running(var / "nation", free_base(), copy_of_the_nation(var / "files"))
    running.start()
    yield running
    if running.process and running.process.poll() is None:
        running.stop()
    shutil.rmtree(var)


def backed_up(nation: Running) -> tuple[Path, Path]:
    data, keys = nation.var.parent / "data" / "data.tar.gz", nation.var.parent / "safe" / "keys.tar.gz"
    done = onedoor("backup", "--var", str(nation.var), "--data", str(data), "--keys", str(keys))
    assert done.returncode == 0, done.stderr
    return data, keys


def restored(nation: Running, var: Path, data: Path, *extra: str) -> str:
    done = onedoor("restore", "--var", str(var), "--nation", str(nation.folder), "--data", str(data), *extra)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}  # type: ignore[union-attr]


def test_a_destroyed_nation_stands_again_and_says_what_it_lost(own: Running) -> None:
    before = PatientStory(own.places, own.var.parent / "before")
    before.play()
    data, keys = backed_up(own)
    assert_keys_apart(own, data, keys)
    after_it = PatientStory(own.places, own.var.parent / "lost")
    after_it.declare(*after_it.give_birth())
    for system in GROWN:  # an entry made before the backup may be published after it: all that there are must be
        made = own.count(system.lower().replace("-", "_"), "store_ledger_entry")
        wait_for(lambda system=system, made=made: published(own.var, system) >= made, system)
    pids = own.pids()
    assert own.stop() in (0, 130)
    assert not [name for name, pid in pids.items() if alive(pid)]
    assert not (own.var / "run.json").exists()
    old = own.var.rename(own.var.with_name("old"))
    shutil.rmtree(old / "postgres")

    assert re.search(
        r"- node-G15: the data of \d\d+ persons stay sealed", restored(own, own.var, data, "--without-keys")
    )
    shutil.rmtree(own.var)
    told = restored(own, own.var, data, "--keys", str(keys), "--published", str(old))
    for system in GROWN:
        lost = re.search(rf"{system}: (\d+) entries of the ledger are newer than the database(.*)", told)
        assert lost, told
        assert re.search(r"their details are lost: .*\d+ [a-z.]+, made between 2\d{3}-", lost[2])
    assert_ledgers_hold(own, old)
    own.start()
    assert_results_are_there(own, before)
    taken = own.var / "directory" / "ledger" / "public" / "checkpoint"
    wait_for(taken.exists, "the directory takes no checkpoint of the nation that was restored", 40)
    assert "checkpoint_refused" not in (own.var / "log" / "directory.log").read_text(), "every ledger goes on"


def published(var: Path, system: str) -> int:
    """Return how many entries the last published checkpoint of *system* covers."""
    return int((var / system / "ledger" / "published" / "checkpoint").read_text().splitlines()[1])


def assert_results_are_there(nation: Running, before: PatientStory) -> None:
    """Check that the dossier of the story can be read, and each result be opened, checked and verified again."""
    after = PatientStory(nation.places, before.folder)
    after.told.case = before.told.case
    after.signed_in(MOTHER, nation.places.page("sign-in"))
    case = after.case()
    assert case["state"] == "done"
    after.collect(case)
    assert [one.signature for one in after.told.results] == ["valid"] * 3
    assert after.told.reads[: len(before.told.reads)] == before.told.reads, "beside these, what is read now"


def assert_keys_apart(nation: Running, data: Path, keys: Path) -> None:
    """Check that nothing secret of the installation stands anywhere in the archive of the data."""
    everything = b"\0".join(contents(data).values())
    safe = contents(keys)
    secret = [one for one in nation.var.glob("*/**/*") if one.is_file() and 0 < one.stat().st_size < 4096
              and (one.suffix == ".key" or one.parent.name in ("keys", "passwords") or one.name in ("secret", "key"))
              and "postgres/data" not in str(one)]  # fmt: skip
    assert len(secret) > 30
    assert not [one for one in secret if one.read_bytes() in everything]
    assert b"PRIVATE KEY" not in everything
    assert b"SQLite format" not in everything
    assert [one for one in safe if one.endswith("persons.sqlite")]
    assert data.stat().st_mode & 0o77 == keys.stat().st_mode & 0o77 == 0


def assert_ledgers_hold(nation: Running, old: Path) -> None:
    """Check each ledger with the command for it: it is sound and as long as what was published."""
    nation.server.start()
    options = Options(nation.folder, nation.var, nation.base, 0, 0, "warning")
    for part in systems(parts(options, nation.places.nation, nation.server)):
        done = onedoor("ledger", "check", **{k: v for k, v in part.environment.items() if k.startswith("ONEDOOR_")})
        found = FIXED.search(done.stdout)
        assert found, done.stdout + done.stderr
        assert int(found[1]) == published(old, Path(part.environment["ONEDOOR_STATE"]).name)
    nation.server.stop()
