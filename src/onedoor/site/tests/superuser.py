"""What who may do anything to a database puts into a column, and how they take its guards away."""

from collections.abc import Iterable
from typing import Any

OTHER = {
    "bytea": "CASE WHEN {0} = '' THEN '\\x01'::bytea ELSE set_byte({0}, 0, 255 - get_byte({0}, 0)) END",
    "boolean": "NOT {0}",
    "bigint": "{0} + 1",
    "integer": "{0} + 1",
    "smallint": "{0} + 1",
    "uuid": "gen_random_uuid()",
    "date": "coalesce({0} + 1, '2027-01-01')",
    "timestamp with time zone": "{0} + interval '1 second'",
    "ARRAY": "array_append({0}, 'forged')",
    "jsonb": """'{{"0": "forged"}}'""",
}
"""SQL for another value of a column, by its type."""
TEXT = "CASE reverse({0}) WHEN {0} THEN {0} || 'x' ELSE reverse({0}) END"
GUARDS = "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'f') AND conrelid = %s::regclass"


def unguard(cursor: Any, tables: Iterable[str]) -> None:
    """Take the triggers, checks and references of *tables* away, until the transaction is rolled back."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(GUARDS, [table])
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
