"""Valid time beside recorded time; the database itself refuses to overwrite a version."""

import datetime
from typing import Any, ClassVar

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GUARD = """
CREATE FUNCTION registers_refuse_overwriting() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a version of a record is never overwritten' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER registers_nothing_overwritten BEFORE UPDATE OF id, register, identity, version, plain, sealed, valid_from,
    valid_until, recorded_from, client, "user", "case", permit, key, request ON registers_record
    FOR EACH ROW EXECUTE FUNCTION registers_refuse_overwriting();
CREATE TRIGGER registers_superseded_once BEFORE UPDATE OF recorded_until ON registers_record
    FOR EACH ROW WHEN (OLD.recorded_until IS NOT NULL) EXECUTE FUNCTION registers_refuse_overwriting();
"""
UNGUARD = """
DROP TRIGGER registers_superseded_once ON registers_record;
DROP TRIGGER registers_nothing_overwritten ON registers_record;
DROP FUNCTION registers_refuse_overwriting();
"""
DATE = "UPDATE registers_record SET valid_from = (recorded_from AT TIME ZONE %s)::date WHERE version > 1"


def date_versions(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Have every later version hold from the day it was recorded on, as it was meant when it was written."""
    from onedoor.kernel import nation

    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM registers_record WHERE version > 1)")
        if cursor.fetchone()[0]:
            cursor.execute(DATE, [nation.current().zone.key])


class Migration(migrations.Migration):
    """Every record is kept: the first version holds always, a later one from its day on."""

    dependencies: ClassVar[list[Any]] = [("registers", "0001_initial")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("record", "valid_from", models.DateField(default=datetime.date.min)),
        migrations.AddField("record", "valid_until", models.DateField(default=datetime.date.max)),
        migrations.RunPython(date_versions, migrations.RunPython.noop),
        migrations.AddConstraint(
            "record",
            models.CheckConstraint(
                condition=models.Q(("valid_until__gt", models.F("valid_from"))), name="registers_valid_in_order"
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
