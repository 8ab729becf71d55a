"""Rows by kept statements are the rows Django would give; a dead connection is seen without asking."""

import select

import psycopg
import pytest
from django.db import connection, models

from onedoor.kernel import clock
from onedoor.store.models import LedgerCheckpoint, StatedEvent
from onedoor.store.postgresql.base import check
from onedoor.store.rows import Rows, fetch


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
