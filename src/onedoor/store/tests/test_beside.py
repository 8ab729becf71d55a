"""What is sent beside is kept when the waiting ends, or the waiting raises; nobody waits for another's."""

import os
import socket
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from onedoor.store.beside import Beside

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


@pytest.fixture
def beside() -> Iterator[Beside]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept_beside (word text PRIMARY KEY)")
    made = Beside("INSERT INTO kept_beside VALUES ($1)")
    yield made
    made._close()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE kept_beside")


def kept() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM kept_beside ORDER BY word")
        return [word for (word,) in cursor.fetchall()]


def ended() -> None:
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        for (one,) in cursor.fetchall():
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [one])  # waits until it has ended


def send(beside: Beside, text: str) -> None:
    waiting = beside.send(text.encode())
    assert waiting
    waiting()


def test_it_is_kept_when_the_waiting_ends(beside: Beside) -> None:
    for word in ("a", "b", "“c”"):
        send(beside, word)
        assert word in kept()


def test_a_long_text_is_sent_whole(beside: Beside) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kept_beside DROP CONSTRAINT kept_beside_pkey")
    send(beside, "long " * 2_000_000)
    assert len(kept()[0]) == 10_000_000


def test_another_is_not_waited_for(beside: Beside) -> None:
    waiting = beside.send(b"a")
    assert beside.send(b"b") is None
    assert waiting
    waiting()
    send(beside, "b")
    assert kept() == ["a", "b"]


def test_what_is_not_kept_raises_and_the_next_is_kept(beside: Beside) -> None:
    send(beside, "a")
    with pytest.raises(IntegrityError):
        send(beside, "a")
    send(beside, "b")
    assert kept() == ["a", "b"]


def test_what_is_done_but_not_kept_raises_and_the_next_is_kept(beside: Beside) -> None:
    with connection.cursor() as cursor:  # found twice only when it is to be kept, after the statement was done
        cursor.execute("ALTER TABLE kept_beside DROP CONSTRAINT kept_beside_pkey")
        cursor.execute("ALTER TABLE kept_beside ADD UNIQUE (word) DEFERRABLE INITIALLY DEFERRED")
    send(beside, "a")
    with pytest.raises(IntegrityError):
        send(beside, "a")
    send(beside, "b")
    assert kept() == ["a", "b"]


def test_a_connection_that_breaks_off_raises(beside: Beside) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept_beside VALUES ('a')")
        waiting = beside.send(b"a")
        assert waiting
        assert beside._connection
        with socket.socket(fileno=os.dup(beside._connection.fileno())) as broken:
            broken.shutdown(socket.SHUT_RDWR)
        with pytest.raises(DatabaseError):
            waiting()
    send(beside, "b")
    assert "b" in kept()


def test_a_connection_that_ended_while_nobody_looked_is_replaced(beside: Beside) -> None:
    send(beside, "a")
    ended()
    send(beside, "b")
    assert kept() == ["a", "b"]


def test_a_connection_that_ends_under_way_raises(beside: Beside) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept_beside VALUES ('a')")  # whoever inserts the same waits for our end
        waiting = beside.send(b"a")
        ended()
        transaction.set_rollback(True)
    assert waiting
    with pytest.raises(DatabaseError):
        waiting()
    send(beside, "b")
    assert kept() == ["b"]


def test_a_database_that_takes_none_is_told_by_none(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onedoor.store.beside.connector_params", lambda: {"host": "/nowhere"})
    assert beside.send(b"a") is None
    assert kept() == []
