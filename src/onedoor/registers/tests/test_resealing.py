"""Persons get next keys while a register is read and written, and nothing is left under the keys before."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from onedoor.kernel import clock
from onedoor.kernel.settings import current
from onedoor.privacy.models import ReadPerson
from onedoor.registers import service
from onedoor.registers.models import Record
from onedoor.registers.tests.test_service import CHILD, COMMUNE, FATHER, HOME, MOTHER, person
from onedoor.store import keys, keystore, resealing, sealed
from onedoor.store.resealing import rotate_persons

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def people(tmp_path, monkeypatch):
    monkeypatch.setenv("ONEDOOR_STATE", str(tmp_path))
    current.cache_clear()
    monkeypatch.setattr(resealing, "GRACE", timedelta(0))
    monkeypatch.setattr(resealing, "BLOCKS", 1)
    service.load("population", [
        person(MOTHER, "Trần Thu Hà", "1996-05-14", "F"), person(FATHER, "Lê Minh Quân", "1994-09-02", "M"),
    ])  # fmt: skip
    service.load("residence", [HOME])
    yield
    monkeypatch.undo()
    current.cache_clear()


def names() -> list[str]:
    asked = ({"number": number} for number in (MOTHER, FATHER))
    return [service.lookup("population", by, reader=COMMUNE).records[0]["full_name"] for by in asked]


def used() -> set[bytes]:
    found = {sealed.key_id(one) for row in Record.objects.all() for one in row.sealed}
    return found | {sealed.key_id(bytes(row.sealed)) for row in ReadPerson.objects.all() if row.sealed}


def state(key_id: bytes) -> tuple[bool, bool]:
    asked = "SELECT wrapped IS NOT NULL, superseded_at IS NOT NULL FROM person_key WHERE id = ?"
    alive, superseded = keystore.connected().execute(asked, [key_id]).fetchone()
    return bool(alive), bool(superseded)


def test_everything_is_read_as_before_and_the_keys_before_are_destroyed():
    before, told = used(), names()
    seen = []
    done = rotate_persons(progress=lambda *now: seen.append(now))
    assert done.persons >= 3
    assert done.envelopes >= 4
    assert done.destroyed == done.persons
    assert seen[-1][0] == seen[-1][1]
    assert names() == told
    assert not before & used()
    assert {state(one) for one in before} == {(False, True)}
    assert not [name for name in (MOTHER, FATHER) if keys.live(name) is None]


def test_only_those_who_are_named_get_a_next_key():
    mothers, fathers = keys.key_for(MOTHER), keys.key_for(FATHER)
    assert rotate_persons([MOTHER, "somebody unknown"]).persons == 1
    assert keys.key_for(FATHER) == fathers
    assert keys.key_for(MOTHER) != mothers
    assert keys.live("somebody unknown") is None


def test_only_old_enough_keys_are_superseded():
    assert rotate_persons(older_than=timedelta(days=1)).persons == 0
    clock_now = clock.now()
    with clock.freeze(clock_now + timedelta(days=2)):
        fresh = keys.key_for("born today")
        assert rotate_persons(older_than=timedelta(days=1)).persons >= 3
        assert keys.key_for("born today") == fresh


def test_a_run_that_was_stopped_is_gone_on_with(monkeypatch):
    told, part = names(), resealing._reseal_part
    with monkeypatch.context() as stopped:
        stopped.setattr(resealing, "_reseal_part", lambda *asked: part(*asked) and 1 // 0)
        with pytest.raises(ZeroDivisionError):
            rotate_persons()
    assert names() == told
    in_use = keys.key_for(MOTHER)
    done = rotate_persons()
    assert (done.persons, names()) == (0, told)
    assert done.destroyed >= 3
    assert keys.key_for(MOTHER) == in_use


def test_a_writer_that_took_its_key_before_is_waited_for(monkeypatch):
    """What stands in a transaction that is not at its end is under the key before; it is not destroyed until then."""
    old = keys.key_for(MOTHER)
    begun, may_end, written = threading.Event(), threading.Event(), []

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                written.append(service.write("population", CHILD, reader=COMMUNE, key="slow"))
                begun.set()
                may_end.wait(5)
        finally:
            connections.close_all()

    slept: list[bool] = []

    def end_it(_seconds: float) -> None:
        slept.append(state(old.id)[0])
        may_end.set()
        writer.join()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    begun.wait(5)
    monkeypatch.setattr(resealing.time, "sleep", end_it)
    rotate_persons()
    assert slept[0] is True
    assert state(old.id) == (False, True)
    found = service.lookup("population", {"number": written[0]["number"]}, reader=COMMUNE).records
    assert found[0]["full_name"] == CHILD["full_name"]


def test_others_read_and_write_while_it_runs():
    told, ended, faults = names(), threading.Event(), []

    def look() -> None:
        try:
            while not ended.is_set():
                if names() != told:
                    faults.append("another answer")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must know
            faults.append(repr(error))
        finally:
            connections.close_all()

    others = [threading.Thread(target=look) for _ in range(2)]
    for one in others:
        one.start()
    done = [rotate_persons() for _ in range(3)]
    ended.set()
    for one in others:
        one.join()
    assert faults == []
    assert all(one.destroyed == one.persons for one in done)
    assert names() == told


@pytest.mark.parametrize(
    "change", ["sealed = '{}'", "sealed = ARRAY['x'::bytea]", "plain = '{\"a\": 1}'", '"case" = 1']
)
def test_the_database_still_refuses_to_overwrite_a_version(change):
    row = Record.objects.exclude(sealed=[]).first()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL onedoor.resealing = 'on'")
        with pytest.raises(IntegrityError, match="never overwritten"), transaction.atomic():
            cursor.execute(f"UPDATE registers_record SET {change} WHERE id = %s", [row.id])


def test_a_damaged_envelope_is_named_and_its_key_is_kept():
    row = Record.objects.exclude(sealed=[]).order_by("id").first()
    damaged = [bytes(one)[:-1] + bytes([bytes(one)[-1] ^ 1]) for one in row.sealed]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registers_record DISABLE TRIGGER USER")
        cursor.execute("UPDATE registers_record SET sealed = %s WHERE id = %s", [damaged, row.id])
        cursor.execute("ALTER TABLE registers_record ENABLE TRIGGER USER")
    done = rotate_persons()
    assert {one.row for one in done.damaged} == {str(row.id)}
    assert {state(sealed.key_id(one)) for one in damaged} == {(True, True)}
    assert done.destroyed == done.persons - len(damaged)
    again = rotate_persons(older_than=timedelta(days=1))
    assert (again.persons, again.damaged) == (0, ())


def test_a_row_that_was_read_before_and_is_saved_after_is_met_again(monkeypatch):
    """Who read a row before it was resealed and saves it whole puts the envelope under the key before back."""
    row, told = Record.objects.exclude(sealed=[]).order_by("id").first(), names()
    wait = resealing._await_others
    saved = []

    def save_late() -> None:
        if not saved:
            saved.append(row)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL onedoor.resealing = 'on'")
                cursor.execute("UPDATE registers_record SET sealed = %s WHERE id = %s", [row.sealed, row.id])
        wait()

    monkeypatch.setattr(resealing, "_await_others", save_late)
    done = rotate_persons()
    assert done.destroyed == done.persons
    assert names() == told
    assert not {sealed.key_id(bytes(one)) for one in row.sealed} & used()
