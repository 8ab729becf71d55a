"""Envelopes open where they were written, with a key that lives, and nowhere else."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedoor.kernel.settings import current
from onedoor.store import keys, sealed
from onedoor.store.sealed import BadEnvelope, KeyDestroyed, Place

HERE = Place("register_population", "body", "row-1")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_what_was_sealed_opens_the_same(value):
    assert sealed.unseal(sealed.seal(value, subject="a person", place=HERE), place=HERE) == value


@pytest.mark.parametrize(
    "elsewhere",
    [
        HERE._replace(table="other"),
        HERE._replace(column="file"),
        HERE._replace(row="row-2"),
        Place("register_populationbody", "", "row-1"),
    ],
)
def test_a_ciphertext_moved_to_another_row_does_not_open(elsewhere):
    envelope = sealed.seal({"full_name": "Nguyễn Thị Đào"}, subject="a person", place=HERE)
    with pytest.raises(BadEnvelope):
        sealed.unseal(envelope, place=elsewhere)


def test_one_changed_byte_anywhere_does_not_open():
    envelope = sealed.seal_bytes(b"content", subject="a person", place=HERE)
    for position in range(len(envelope)):
        forged = bytearray(envelope)
        forged[position] ^= 1
        with pytest.raises((BadEnvelope, KeyDestroyed)):
            sealed.unseal_bytes(bytes(forged), place=HERE)
    with pytest.raises(BadEnvelope):
        sealed.unseal_bytes(b"", place=HERE)


def test_the_envelope_of_another_person_under_this_head_does_not_open():
    mine = sealed.seal_bytes(b"mine", subject="mine", place=HERE)
    theirs = sealed.seal_bytes(b"theirs", subject="theirs", place=HERE)
    with pytest.raises(BadEnvelope):
        sealed.unseal_bytes(mine[:17] + theirs[17:], place=HERE)


def test_a_destroyed_key_ends_reading_and_other_persons_stay_readable():
    gone = sealed.seal("text", subject="leaves", place=HERE)
    stays = sealed.seal("text", subject="stays", place=HERE)
    assert keys.destroy("leaves") is True
    assert keys.destroy("leaves") is False
    with pytest.raises(KeyDestroyed):
        sealed.unseal(gone, place=HERE)
    assert sealed.unseal(stays, place=HERE) == "text"


def test_a_key_that_a_use_has_at_hand_is_not_asked_for_again_and_gone_with_the_use(monkeypatch):
    envelope = sealed.seal("a word", subject="a person", place=HERE)
    asked = []
    one = keys._one
    monkeypatch.setattr(keys, "_one", lambda key_id: (asked.append(key_id), one(key_id))[1])
    with keys.at_hand():
        assert sealed.unseal(envelope, place=HERE) == "a word"
        assert len(asked) == 1, "nobody looked for it yet"
        keys.live_for(["a person"])
        assert sealed.unseal(envelope, place=HERE) == "a word"
        assert len(asked) == 1
    keys.destroy("a person")
    with pytest.raises(KeyDestroyed):
        sealed.unseal(envelope, place=HERE)


def test_who_comes_back_after_destruction_gets_another_key():
    gone = sealed.seal("before", subject="returns", place=HERE)
    keys.destroy("returns")
    new = sealed.seal("after", subject="returns", place=HERE)
    assert sealed.unseal(new, place=HERE) == "after"
    with pytest.raises(KeyDestroyed):
        sealed.unseal(gone, place=HERE)


def test_the_key_store_holds_no_subject_and_no_bare_key():
    key = keys.key_for("001099000001")
    folder = current().state / "keys"
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"001099000001" not in content
        assert key.secret not in content


def test_destroyed_wrapped_keys_leave_the_file():
    keys.key_for("overwritten")
    path = current().state / "keys" / "persons.sqlite"
    with sqlite3.connect(path) as store:
        wrapped = {row[0] for row in store.execute("SELECT wrapped FROM person_key WHERE wrapped IS NOT NULL")}
    keys.destroy("overwritten")
    with sqlite3.connect(path) as store:
        left = {row[0] for row in store.execute("SELECT wrapped FROM person_key WHERE wrapped IS NOT NULL")}
    (removed,) = wrapped - left
    store.close()
    files = [p.read_bytes() for p in path.parent.glob("persons.sqlite*")]
    assert not any(removed in content for content in files)


def test_keys_made_ahead_are_the_keys_used():
    keys.keys_for(f"person {n}" for n in range(500))
    first = keys.key_for("person 7")
    keys.keys_for(["person 7", "person 501"])
    assert keys.key_for("person 7") == first == keys.key_of(first.id)


def test_the_key_files_are_closed_to_others():
    keys.key_for("anybody")
    folder = current().state / "keys"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_blind_indexes_separate_purposes_and_values():
    marks = {keys.blind(p, v) for p, v in [("number", "1"), ("number", "2"), ("name", "1"), ("numbe", "r1")]}
    assert len(marks) == 4
    assert all(len(mark) == 32 for mark in marks)
    assert keys.blind("number", "1") in marks
