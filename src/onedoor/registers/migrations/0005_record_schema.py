"""Each version of a record says under which version of its register's definition it was written; it stays so."""

from typing import Any, ClassVar

from django.db import migrations, models

GUARD = """
DROP TRIGGER registers_nothing_overwritten ON registers_record;
CREATE TRIGGER registers_nothing_overwritten BEFORE UPDATE OF id, register, identity, version, schema, plain, sealed,
    valid_from, valid_until, recorded_from, client, "user", "case", permit, key, request ON registers_record
    FOR EACH ROW EXECUTE FUNCTION registers_refuse_overwriting();
"""
UNGUARD = """
DROP TRIGGER registers_nothing_overwritten ON registers_record;
CREATE TRIGGER registers_nothing_overwritten BEFORE UPDATE OF id, register, identity, version, plain, sealed, valid_from,
    valid_until, recorded_from, client, "user", "case", permit, key, request ON registers_record
    FOR EACH ROW EXECUTE FUNCTION registers_refuse_overwriting();
"""


class Migration(migrations.Migration):
    """What was written before there were versions was written under the first."""

    dependencies: ClassVar[list[Any]] = [("registers", "0004_corrections")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("record", "schema", models.PositiveSmallIntegerField(default=1)),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
