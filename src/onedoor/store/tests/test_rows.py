"""Rows by kept statements are the rows Django would give; a dead connection is seen without asking."""

import select

import psycopg
import pytest
from django.db import connection, models

from onedoor.kernel import clock
from onedoor.store.models import LedgerCheckpoint, StatedEvent
from onedoor.store.postgresql.base import check
from onedoor.store.rows import Joined, Rows, apart, fetch, fetch_first


@pytest.fixture
def event(db):
    return StatedEvent.objects.create(name="store.Something", data={"đ": [1, {"two": None}]})


def test_a_row_is_the_one_django_gives_with_its_json_read(event):
    found = Rows(StatedEvent, "id = %s").first(str(event.id))
    expected = StatedEvent.objects.get(pk=event.pk)
    assert {f.attname: getattr(found, f.attname) for f in StatedEvent._meta.concrete_fields} == {
        f.attname: getattr(expected, f.attname) for f in StatedEvent._meta.concrete_fields
    }
    assert found.data == {"đ": [1, {"two": None}]}


def test_a_column_left_out_is_fetched_when_it_is_used(event, django_assert_num_queries):
    found = Rows(StatedEvent, "id = %s", without=["data"]).first(event.id)
    with django_assert_num_queries(1):
        assert found.data == event.data


@pytest.mark.django_db
def test_all_rows_come_in_the_order_asked_for():
    for size in (3, 1, 2):
        LedgerCheckpoint.objects.create(size=size, root=bytes(32), note="", signed_at=clock.now())
    rows = Rows(LedgerCheckpoint, "size > %s ORDER BY size DESC")
    assert [row.size for row in rows.all(1)] == [3, 2]
    assert rows.first(3) is None
    assert isinstance(rows.all(0)[0], models.Model)


@pytest.mark.django_db
def test_what_was_found_ahead_is_taken_once_by_who_asks_just_that_and_by_nobody_after_the_request():
    counted = f"SELECT count(*) FROM {StatedEvent._meta.db_table} WHERE name <> %s"
    one, first = (counted, ("one",)), ("SELECT 1, %s", ("first",))
    with apart():
        assert fetch_first(first, 2, one) == [(1, "first")]
        StatedEvent.objects.create(name="store.Something", data={})
        assert fetch(counted, ("other",)) == [(1,)]
        assert [fetch(*one), fetch(*one)] == [[(0,)], [(1,)]], "the second time it is asked anew"
        fetch_first(first, 2, one)
        StatedEvent.objects.create(name="store.Something", data={})
    assert fetch(*one) == [(2,)]
    assert fetch_first(first, 2, one) == [(1, "first")], "outside a request nothing is kept"
    StatedEvent.objects.all().delete()
    assert fetch(*one) == [(0,)]


@pytest.mark.django_db
def test_what_is_found_ahead_comes_in_its_order_and_may_be_nothing_as_who_asks_may_be_nobody():
    for size in (3, 1, 2):
        LedgerCheckpoint.objects.create(size=size, root=bytes(32), note="", signed_at=clock.now())
    sizes = Rows(LedgerCheckpoint, "size > %s ORDER BY size DESC")
    with apart():
        assert fetch_first(("SELECT 7", ()), 1, sizes.asked(1)) == [(7,)]
        assert [row.size for row in sizes.all(1)] == [3, 2]
        assert fetch_first(("SELECT 7", ()), 1, sizes.asked(9)) == [(7,)]
        assert sizes.all(9) == []
        assert fetch_first(("SELECT 7 WHERE FALSE", ()), 1, sizes.asked(1)) == []


@pytest.mark.django_db
def test_a_large_column_is_brought_once_by_rows_that_belong_together():
    for size in (3, 1, 2):
        LedgerCheckpoint.objects.create(size=size, root=bytes(32), note="", signed_at=clock.now())
    event = StatedEvent.objects.create(name="store.Something", data={"a": 1})
    joined = Joined(
        Rows(StatedEvent, once=["data"]),
        Rows(LedgerCheckpoint),
        source=f"{StatedEvent._meta.db_table} CROSS JOIN {LedgerCheckpoint._meta.db_table} WHERE size > %s",
        order="size",
    )
    found = joined.all(0)
    assert [checkpoint.size for _, checkpoint in found] == [1, 2, 3]
    assert {id(one) for one, _ in found} == {id(found[0][0])}
    assert (found[0][0].pk, found[0][0].data) == (event.pk, {"a": 1})
    brought = fetch(*joined.asked(0))
    assert [[value for value in row if value == {"a": 1}] for row in brought] == [[{"a": 1}], [], []]


@pytest.mark.django_db
def test_a_fault_in_a_statement_is_an_error_of_django(event):
    from django.db import DatabaseError

    with pytest.raises(DatabaseError):
        fetch("SELECT no_such_column FROM store_stated_event", [])


@pytest.mark.django_db
def test_a_connection_closed_by_the_server_is_refused_and_a_good_one_is_not():
    connection.ensure_connection()
    parameters = connection.get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as other:
        check(other)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [other.info.backend_pid])
        select.select([other.fileno()], [], [], 5)
        with pytest.raises(psycopg.OperationalError):
            check(other)
