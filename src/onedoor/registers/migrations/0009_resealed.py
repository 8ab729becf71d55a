"""The keys of persons are rotated: the envelopes of a version may be sealed anew, one for one, and nothing else of it."""

from typing import Any, ClassVar

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION registers_refuse_overwriting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_NAME = 'registers_nothing_overwritten' AND NEW.plain = '{{}}' AND NEW.sealed = '{{}}' AND NEW.request = ''
        AND (NEW.id, NEW.register, NEW.identity, NEW.version, NEW.valid_from, NEW.valid_until, NEW.recorded_from,
            NEW.schema, NEW.client, NEW."user", NEW."case", NEW.permit, NEW.key)
        = (OLD.id, OLD.register, OLD.identity, OLD.version, OLD.valid_from, OLD.valid_until, OLD.recorded_from,
            OLD.schema, OLD.client, OLD."user", OLD."case", OLD.permit, OLD.key)
        AND NEW.recorded_until IS NOT DISTINCT FROM OLD.recorded_until AND registers_destroyed(OLD.identity)
    THEN RETURN NEW; END IF;
{resealed}
    RAISE EXCEPTION 'a version of a record is never overwritten' USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
RESEALED = """
    IF TG_NAME = 'registers_nothing_overwritten' AND current_setting('onedoor.resealing', true) = 'on'
        AND cardinality(NEW.sealed) = cardinality(OLD.sealed)
        AND (SELECT bool_and(octet_length(later) = octet_length(earlier))
            FROM unnest(NEW.sealed, OLD.sealed) AS pair (later, earlier))
        AND to_jsonb(NEW) - 'sealed' = to_jsonb(OLD) - 'sealed'
    THEN RETURN NEW; END IF;"""


class Migration(migrations.Migration):
    """An envelope bears the name of its row inside, so none but one that was sealed for it opens there."""

    dependencies: ClassVar[list[Any]] = [("registers", "0008_published_schema")]
    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(FUNCTION.format(resealed=RESEALED), FUNCTION.format(resealed="")),
    ]
