"""The archive, and destruction as the one way in which a version may be emptied: once it is on record."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

GUARD = """
CREATE FUNCTION registers_destroyed(which bytea) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT EXISTS (SELECT FROM registers_archived WHERE identity = which AND destroyed IS NOT NULL) $$;
CREATE OR REPLACE FUNCTION registers_refuse_overwriting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_NAME = 'registers_nothing_overwritten' AND NEW.plain = '{}' AND NEW.sealed = '{}' AND NEW.request = ''
        AND (NEW.id, NEW.register, NEW.identity, NEW.version, NEW.valid_from, NEW.valid_until, NEW.recorded_from,
            NEW.schema, NEW.client, NEW."user", NEW."case", NEW.permit, NEW.key)
        = (OLD.id, OLD.register, OLD.identity, OLD.version, OLD.valid_from, OLD.valid_until, OLD.recorded_from,
            OLD.schema, OLD.client, OLD."user", OLD."case", OLD.permit, OLD.key)
        AND NEW.recorded_until IS NOT DISTINCT FROM OLD.recorded_until AND registers_destroyed(OLD.identity)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a version of a record is never overwritten' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE OR REPLACE FUNCTION registers_refuse_removing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_TABLE_NAME = 'registers_term' AND TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM registers_record WHERE id = OLD.record_id AND registers_destroyed(identity))
        THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION 'a version of a record is never removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION registers_refuse_unarchiving() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'what is on record of an archived record is never changed'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER registers_archived_once BEFORE UPDATE OF identity, register, record_id, rule, archived, entry
    ON registers_archived FOR EACH ROW EXECUTE FUNCTION registers_refuse_unarchiving();
CREATE TRIGGER registers_destroyed_once BEFORE UPDATE ON registers_archived
    FOR EACH ROW WHEN (OLD.destroyed IS NOT NULL) EXECUTE FUNCTION registers_refuse_unarchiving();
CREATE TRIGGER registers_never_unarchived BEFORE DELETE ON registers_archived
    FOR EACH ROW EXECUTE FUNCTION registers_refuse_unarchiving();
CREATE TRIGGER registers_never_emptied BEFORE TRUNCATE ON registers_archived
    FOR EACH STATEMENT EXECUTE FUNCTION registers_refuse_emptying();
"""
UNGUARD = """
DROP TRIGGER registers_never_emptied ON registers_archived;
DROP TRIGGER registers_never_unarchived ON registers_archived;
DROP TRIGGER registers_destroyed_once ON registers_archived;
DROP TRIGGER registers_archived_once ON registers_archived;
DROP FUNCTION registers_refuse_unarchiving();
CREATE OR REPLACE FUNCTION registers_refuse_removing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'a version of a record is never removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE OR REPLACE FUNCTION registers_refuse_overwriting() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a version of a record is never overwritten' USING ERRCODE = 'integrity_constraint_violation'; END $$;
DROP FUNCTION registers_destroyed(bytea);
"""


class Migration(migrations.Migration):
    """Nothing is archived yet; the index of latest versions is put in order, so that they are gone through by batches."""

    dependencies: ClassVar[list[Any]] = [("registers", "0005_record_schema")]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Archived",
            fields=[
                ("identity", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("register", models.CharField(max_length=60)),
                ("rule", models.CharField(max_length=300)),
                ("archived", models.DateTimeField()),
                ("entry", models.UUIDField()),
                ("destroyed", models.DateTimeField(null=True)),
                ("destroyed_rule", models.CharField(blank=True, max_length=300)),
                ("destroyed_entry", models.UUIDField(null=True)),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registers.record"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(destroyed=None, destroyed_rule="", destroyed_entry=None)
                        | models.Q(
                            destroyed__gte=models.F("archived"),
                            destroyed_entry__isnull=False,
                        )
                        & ~models.Q(destroyed_rule=""),
                        name="registers_destroyed_on_record",
                    )
                ]
            },
        ),
        migrations.RemoveIndex("record", "registers_current"),
        migrations.AddIndex(
            "record",
            models.Index(
                condition=models.Q(("recorded_until", None)), fields=["register", "id"], name="registers_current"
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
