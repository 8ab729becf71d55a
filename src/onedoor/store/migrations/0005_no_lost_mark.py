"""That details were lost with a restore is an amendment, which a superuser cannot write: no column says so any more.

What the column said until now is entered as it stood; who upgrades holds the number against what their restore told.
"""

from typing import Any

from django.db import connection, migrations

LOST = "SELECT id FROM store_ledger_entry WHERE lost ORDER BY position"


def enter(_apps: Any, _editor: Any) -> None:
    """Enter what was marked as lost."""
    from onedoor.store import details

    with connection.cursor() as cursor:
        cursor.execute(LOST)
        for (entry,) in cursor.fetchall():
            details.lost_before(entry)


class Migration(migrations.Migration):
    dependencies = [("store", "0004_erasure")]
    operations = [
        migrations.RunPython(enter, migrations.RunPython.noop),
        migrations.RemoveField("ledgerentry", "lost"),
    ]
