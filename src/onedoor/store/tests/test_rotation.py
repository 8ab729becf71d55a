"""A master key is rotated while others read and write, and whoever is killed on the way goes on."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from unittest.mock import Mock

import pytest
from pkcs11 import exceptions

from onedoor.kernel import pkcs11
from onedoor.kernel.settings import BadSettings, current, read
from onedoor.store import keys, keystore, masters, rotation, sealed
from onedoor.store.masters import BadWrapping, MasterKeyMissing
from onedoor.store.sealed import Place

HERE = Place("register_population", "body", "row-1")
KILLED = """
import os, signal
from onedoor.store import keystore, rotation
rotation.BATCH = 10
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
calls = []
def progress(done, total):
    calls.append(done)
    if len(calls) == {call}: die()
{patch}
rotation.rotate_master(progress)
"""
STEPS = [
    (0, "rotation.keystore.register_master = die"),  # a key is made that nothing knows of
    (1, ""),  # begun, nothing is wrapped by it yet
    (3, ""),  # some keys are
    (0, "rotation.clock.now = die if calls else rotation.clock.now; rotation._rewrap_all = lambda *_: die()"),
    (0, "rotation.keystore.forget = die"),  # retired and destroyed
]


def masters_alive() -> list[str]:
    rows = keystore.connected().execute("SELECT name FROM master_key WHERE retired_at IS NULL").fetchall()
    return [name for (name,) in rows]


def wrapped_by() -> set[str]:
    return {name for (name,) in keystore.connected().execute("SELECT DISTINCT master FROM person_key")}


def test_every_key_stays_the_same_under_the_next_master_and_the_old_one_is_gone(own_store):
    before = keys.keys_for(f"person {n}" for n in range(1200))
    old = (own_store / "master").read_bytes()
    seen = []
    told = rotation.rotate_master(lambda done, total: seen.append((done, total)))
    assert (told.keys, told.retired, told.resumed) == (1200, 1, False)
    assert seen == [(0, 1200), (500, 1200), (1000, 1200), (1200, 1200)]
    assert keys.keys_for(before) == before
    assert masters_alive() == [told.master] == [path.name for path in own_store.glob("master*")]
    assert not any(old in path.read_bytes() for path in own_store.iterdir())


def test_others_read_and_write_while_it_runs(own_store, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 20)
    known = {name: sealed.seal(name, subject=name, place=HERE) for name in (f"person {n}" for n in range(200))}
    ended, faults = threading.Event(), []

    def read_and_write(which: int) -> None:
        done = 0
        while not (ended.is_set() and done):
            for name, envelope in known.items():
                if sealed.unseal(envelope, place=HERE) != name:
                    faults.append(name)
            new = f"new {which} {done}"
            if sealed.unseal(sealed.seal(new, subject=new, place=HERE), place=HERE) != new:
                faults.append(new)
            done += 1

    def watched(which: int) -> None:
        try:
            read_and_write(which)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must know
            faults.append(repr(error))

    others = [threading.Thread(target=watched, args=(which,)) for which in range(3)]
    for one in others:
        one.start()
    masters_seen = [rotation.rotate_master().master for _ in range(3)]
    ended.set()
    for one in others:
        one.join()
    assert faults == []
    assert wrapped_by() == {masters_seen[-1]} == set(masters_alive())


def test_who_is_killed_at_any_step_goes_on_and_loses_nothing(own_store):
    known = keys.keys_for(f"person {n}" for n in range(40))
    environment = {**os.environ, "ONEDOOR_STATE": str(current().state)}
    for call, patch in STEPS:
        program = KILLED.format(call=call, patch=patch)
        ended = subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert keys.keys_for(known) == known
    rotation.rotate_master()
    assert keys.keys_for(known) == known
    assert len(masters_alive()) == 1
    assert [path.name for path in own_store.glob("master*")] == masters_alive()


def test_what_was_begun_is_gone_on_with(own_store, monkeypatch):
    keys.key_for("anybody")
    with monkeypatch.context() as stopped:
        stopped.setattr(rotation, "_rewrap_all", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            rotation.rotate_master()
    begun = masters_alive()
    told = rotation.rotate_master()
    assert (told.resumed, told.keys) == (True, 1)
    assert masters_alive() == [told.master] == begun[1:]


def test_one_rotates_at_a_time(own_store):
    with rotation.alone(), pytest.raises(rotation.RotationRuns):
        rotation.rotate_master()


def test_a_destroyed_key_is_not_brought_back(own_store, monkeypatch):
    keys.keys_for(["stays", "leaves"])
    rewrap = rotation._rewrap
    monkeypatch.setattr(rotation, "_rewrap", lambda *asked: keys.destroy("leaves") and rewrap(*asked))
    assert rotation.rotate_master().keys == 1
    assert keys.live("leaves") is None
    assert keys.live("stays") is not None


def test_a_store_of_the_version_before_goes_on_with_its_master(own_store):
    known = keys.keys_for(["one", "two"])
    store = keystore.connected()
    for statement in (
        "DROP INDEX one_key_in_use",
        "DROP INDEX superseded_keys",
        "DROP TABLE master_key",
        "DROP TABLE copy",
        "ALTER TABLE person_key DROP COLUMN master",
        "ALTER TABLE person_key DROP COLUMN superseded_at",
        "ALTER TABLE person_key DROP COLUMN complete_on",
        "ALTER TABLE person_key DROP COLUMN kept",
        "CREATE UNIQUE INDEX one_live_key ON person_key (subject) WHERE wrapped IS NOT NULL",
        "PRAGMA user_version = 0",
    ):
        store.execute(statement)
    keystore._threads.owner = None
    assert keys.keys_for(known) == known
    rotation.rotate_master()
    assert keys.keys_for(known) == known


def test_a_master_that_is_not_there_is_said_and_no_new_one_is_made(own_store):
    keys.key_for("anybody")
    (own_store / "master").unlink()
    masters._kept.cache_clear()
    with pytest.raises(MasterKeyMissing, match="restore it from the copy"):
        keys.key_for("anybody")
    with pytest.raises(MasterKeyMissing):
        keys.key_for("somebody new")
    assert not (own_store / "master").exists()


def test_a_wrapped_key_that_was_changed_or_moved_does_not_open(own_store):
    mine, theirs = keys.key_for("mine"), keys.key_for("theirs")
    with keystore.writing() as store:
        store.execute("UPDATE person_key SET wrapped = (SELECT wrapped FROM person_key WHERE id = ?) WHERE id = ?",
                      [theirs.id, mine.id])  # fmt: skip
    with pytest.raises(BadWrapping):
        keys.key_of(mine.id)


@pytest.mark.usefixtures("token")
def test_a_master_in_a_token_wraps_and_never_leaves_it(own_store):
    known = keys.keys_for(["one", "two"])
    (name,) = masters_alive()
    assert masters.named(name).unwrap(masters.named(name).wrap(b"secret", b"bound"), b"bound") == b"secret"
    with pytest.raises(BadWrapping):
        masters.named(name).unwrap(masters.named(name).wrap(b"secret", b"bound"), b"elsewhere")
    assert keys.keys_for(known) == known
    assert not list(own_store.glob("master*"))
    told = rotation.rotate_master()
    assert masters.place("pkcs11").names() == {told.master}
    assert keys.keys_for(known) == known


@pytest.mark.usefixtures("token")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_master_in_a_token_that_was_away_opens_again():
    keys.key_for("anybody")
    (name,) = masters_alive()
    wrapped = masters.named(name).wrap(b"secret", b"bound")
    with pkcs11.session() as session:
        session.close()
    with pytest.raises(pkcs11.TokenNotThere, match="its session was ended from outside"):
        masters.named(name).unwrap(wrapped, b"bound")
    assert masters.named(name).unwrap(wrapped, b"bound") == b"secret"


@pytest.mark.usefixtures("token")
def test_a_child_process_opens_the_token_for_itself():
    known = keys.key_for("anybody")
    child = os.fork()
    if child == 0:
        os._exit(0 if keys.key_of(known.id) == known else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert keys.key_of(known.id) == known


def test_a_rotation_takes_the_master_from_its_file_into_a_token_and_back(own_store, made_token, monkeypatch):
    known = keys.keys_for(["one", "two"])
    for name, value in {**made_token, "ONEDOOR_MASTER_KEY": "pkcs11"}.items():
        monkeypatch.setenv(name, value)
    current.cache_clear()
    there = rotation.rotate_master()
    assert keys.keys_for(known) == known
    assert not list(own_store.glob("master*"))
    assert there.master in masters.place("pkcs11").names()
    monkeypatch.setenv("ONEDOOR_MASTER_KEY", "file")
    current.cache_clear()
    back = rotation.rotate_master()
    assert [path.name for path in own_store.glob("master*")] == [back.master]
    assert there.master not in masters.place("pkcs11").names()
    assert keys.keys_for(known) == known


@pytest.mark.usefixtures("token")
def test_a_token_that_does_not_open_is_said(monkeypatch):
    monkeypatch.setenv("ONEDOOR_PKCS11_TOKEN", "another")
    current.cache_clear()
    with pytest.raises(pkcs11.TokenNotThere, match=r"“another” does not open \(no token of this name is there\)"):
        keys.key_for("anybody")


@pytest.mark.usefixtures("token")
def test_a_library_that_is_none_is_said(monkeypatch):
    monkeypatch.setenv("ONEDOOR_PKCS11_MODULE", "/etc/hostname")
    current.cache_clear()
    with pytest.raises(pkcs11.TokenNotThere, match="its library cannot be loaded"):
        keys.key_for("anybody")


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (exceptions.PinIncorrect, "the PIN is not that of the token"),
        (exceptions.PinLocked, "its PIN is locked"),
        (exceptions.DeviceRemoved, "was taken away"),
        (exceptions.FunctionFailed, "the log says with which error"),
    ],
)
def test_why_a_token_does_not_open_is_said_in_words(monkeypatch, error, why):
    monkeypatch.setenv("ONEDOOR_PKCS11_TOKEN", "another")
    monkeypatch.setattr("pkcs11.lib", Mock(side_effect=error))
    current.cache_clear()
    with pytest.raises(pkcs11.TokenNotThere, match=why) as told:
        keys.key_for("anybody")
    assert error.__name__ not in str(told.value)


def test_settings_of_a_token_are_needed_together():
    with pytest.raises(BadSettings) as wrong:
        read({"ONEDOOR_MASTER_KEY": "pkcs11"})
    assert {fault.facts["name"] for fault in wrong.value.faults} == {
        "ONEDOOR_PKCS11_MODULE", "ONEDOOR_PKCS11_TOKEN", "ONEDOOR_PKCS11_PIN",
    }  # fmt: skip


def test_nothing_of_the_old_wrapping_is_left_in_the_file(own_store):
    keys.key_for("anybody")
    with sqlite3.connect(own_store / "persons.sqlite") as store:
        (wrapped,) = store.execute("SELECT wrapped FROM person_key").fetchone()
    store.close()
    rotation.rotate_master()
    assert not any(wrapped in path.read_bytes() for path in own_store.glob("persons.sqlite*"))
