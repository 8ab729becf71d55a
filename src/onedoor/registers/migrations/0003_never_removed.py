"""The database refuses to remove a version or what finds it, one by one or by emptying the table."""

from typing import Any, ClassVar

from django.db import migrations

GUARD = """
CREATE FUNCTION registers_refuse_removing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'a version of a record is never removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION registers_refuse_emptying() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('onedoor.emptying', true) = 'tests' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'a register is never emptied' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER registers_nothing_removed BEFORE DELETE ON registers_record
    FOR EACH ROW EXECUTE FUNCTION registers_refuse_removing();
CREATE TRIGGER registers_never_emptied BEFORE TRUNCATE ON registers_record
    FOR EACH STATEMENT EXECUTE FUNCTION registers_refuse_emptying();
CREATE TRIGGER registers_nothing_removed BEFORE UPDATE OR DELETE ON registers_term
    FOR EACH ROW EXECUTE FUNCTION registers_refuse_removing();
CREATE TRIGGER registers_never_emptied BEFORE TRUNCATE ON registers_term
    FOR EACH STATEMENT EXECUTE FUNCTION registers_refuse_emptying();
"""
UNGUARD = """
DROP TRIGGER registers_never_emptied ON registers_term;
DROP TRIGGER registers_nothing_removed ON registers_term;
DROP TRIGGER registers_never_emptied ON registers_record;
DROP TRIGGER registers_nothing_removed ON registers_record;
DROP FUNCTION registers_refuse_emptying();
DROP FUNCTION registers_refuse_removing();
"""


class Migration(migrations.Migration):
    """Tests alone, whose role says so, may empty the tables between them."""

    dependencies: ClassVar[list[Any]] = [("registers", "0002_valid_time")]
    operations: ClassVar[list[Any]] = [migrations.RunSQL(GUARD, UNGUARD)]
