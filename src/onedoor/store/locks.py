"""Locks that a transaction holds until it ends, for what no row stands yet."""

from django.db import connection


def one_at_a_time(*things: str) -> None:
    """Let the current transaction alone handle *things* until it ends; always taken in the same order."""
    with connection.cursor() as cursor:
        for thing in sorted(things):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [thing])
