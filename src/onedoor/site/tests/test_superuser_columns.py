"""Each column of each row behind an entry of the ledger: who changes it past the programs is found, row by row."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from onedoor.site.tests import trail
from onedoor.site.tests.superuser import OTHER, TEXT, unguard
from onedoor.store import details

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
BEHIND = {
    "cases_act": "cases.act",
    "cases_attempt": "cases.attempt",
    "cases_issued": "cases.issued",
    "cases_transition": "cases.transition",
    "measurement_run": "measurement.run",
    "privacy_breach": "privacy.breach",
    "privacy_breachact": "privacy.breach",
    "privacy_breachtelling": "privacy.breach",
    "privacy_consent": "privacy.consent",
    "privacy_personrequest": "privacy.request",
    "privacy_postponement": "privacy.postponement",
    "privacy_readperson": "privacy.read",
    "privacy_readrecord": "privacy.read",
    "privacy_receivedbreach": "privacy.breach",
    "privacy_requeststep": "privacy.request",
    "privacy_revision": "privacy.consent-record",
    "registers_archived": "registers.archived registers.destroyed",
    "store_amendment": "store.amended",
    "store_erasure": "store.erased",
}
"""The tables whose rows stand behind entries, with the kinds of these."""
IN_FILES = {"store.ledger-key"}
"""Behind these no row stands: handovers of the ledger's key are kept with the keys."""
ELSEWHERE = {"measurement.assessment", "measurement.sheet"}
"""What agencies publish of themselves; its own tests change it (`measurement/tests/portal/test_assessments.py`)."""
NOT_COVERED = {
    ("privacy_breach", "sealed"): "what is being typed; what is said of a breach is an act of its own",
    ("privacy_breachtelling", "key"): "sets a form that is sent twice apart from another",
    ("privacy_breachtelling", "persons"): "how far telling is: these are counts, by day",
    ("privacy_breachtelling", "reached"): "as above",
    ("privacy_breachtelling", "missed"): "as above",
    ("privacy_breachtelling", "ended"): "as above",
    ("privacy_breachtelling", "looked_on"): "as above",
    ("store_amendment", "id"): "a name that nothing refers to",
    ("store_erasure", "id"): "a name that nothing refers to",
}
COUNTED = {"privacy_readperson": "record_id::text", "privacy_personrequest": "code", "privacy_breach": "code"}
"""How changed rows are counted, where several stand behind one entry."""
FIRST = {
    "timestamp with time zone": "now()", "date": "'2027-01-01'::date", "bytea": "'\\x01'::bytea", "text": "'x'",
    "character varying": "'x'", "uuid": "gen_random_uuid()", "boolean": "true", "integer": "1", "jsonb": "'{}'::jsonb",
    "ARRAY": "'{x}'::varchar[]",
}  # fmt: skip
"""SQL for a value where there is none, by its type."""


ODD = {
    "bytea": ["''::bytea"],
    "jsonb": [
        """'{"x": "y"}'::jsonb""",
        """'{"7": "y"}'::jsonb""",
        """'{"0": 7}'::jsonb""",
        "'[7]'::jsonb",
        "'null'::jsonb",
    ],
}
"""SQL for values of a form that no program writes."""
Edit = tuple[str, str]
"""SQL for another value, and which rows get it."""


def test_every_kind_of_entry_has_its_tables_here() -> None:
    named = {kind for kinds in BEHIND.values() for kind in kinds.split()}
    assert named | IN_FILES | ELSEWHERE == set(details._kinds)


def test_whatever_is_put_into_a_column_is_found_in_every_row() -> None:
    trail.enter(reads=4)
    assert {one.what for one in details.findings()} == {details.AMENDED}
    with connection.cursor() as cursor:
        unguard(cursor, BEHIND)
        unseen = {
            (table, column)
            for table, kinds in BEHIND.items()
            for column, edits in _columns(cursor, table)
            if not all(_is_found(cursor, table, column, edit, kinds.split()) for edit in edits)
        }
    assert unseen == set(NOT_COVERED)
    assert {one.what for one in details.findings()} == {details.AMENDED}, "each change was taken back"


def _columns(cursor: Any, table: str) -> Iterator[tuple[str, list[Edit]]]:
    """Yield each column with the edits of it: another value, none where there is one, one where there is none."""
    cursor.execute(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = %s", [table]
    )
    for column, kind, nullable in cursor.fetchall():
        there, none = f'"{column}" IS NOT NULL', f'"{column}" IS NULL'
        edits = [(OTHER.get(kind, TEXT).format(f'"{column}"'), there)]
        edits += [(value, there) for value in ODD.get(kind, ())]
        yield column, edits + ([("NULL", there), (FIRST[kind], none)] if nullable == "YES" else [])


def _is_found(cursor: Any, table: str, column: str, edit: Edit, kinds: list[str]) -> bool:
    """Return whether an edit, made in every row that it makes different, is found as often; it is taken back."""
    value, where = edit
    counted = COUNTED.get(table, "ctid")
    where = f'WHERE {where} AND {value} IS DISTINCT FROM "{column}"'
    cursor.execute(f"SELECT count(DISTINCT {counted}) FROM {table} {where}")
    rows = cursor.fetchone()[0]
    point = transaction.savepoint()
    try:
        cursor.execute(f'UPDATE {table} SET "{column}" = {value} {where}')
        return len(list(_wrong(kinds))) >= rows
    except (DataError, IntegrityError):
        return True  # the database itself refuses it
    finally:
        transaction.savepoint_rollback(point)


def _wrong(kinds: list[str]) -> Iterator[details.Finding]:
    for kind in kinds:
        found = details._compared(kind, details._kinds[kind](""))
        yield from (one for one in found if one.what not in (details.AMENDED, details.LOST))
