"""The objects of the consent API as revisions, which the database itself refuses to change or remove."""

from typing import Any, ClassVar

from django.db import migrations, models

import onedoor.kernel.ids

GUARD = """
CREATE FUNCTION privacy_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - '{successor,sealed,person}'::text[] = to_jsonb(OLD) - '{successor,sealed,person}'::text[]
            AND (OLD.successor IS NULL OR NEW.successor = OLD.successor)
            AND (NEW.person IS NULL OR NEW.person = OLD.person)
            AND octet_length(NEW.sealed) IN (0, octet_length(OLD.sealed))
        THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'a revision is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER privacy_revision_stays BEFORE UPDATE OR DELETE ON privacy_revision
    FOR EACH ROW EXECUTE FUNCTION privacy_refuse_rewriting();
"""
UNGUARD = """
DROP TRIGGER privacy_revision_stays ON privacy_revision;
DROP FUNCTION privacy_refuse_rewriting();
"""


class Migration(migrations.Migration):
    """Envelopes may be sealed anew, or emptied when their person is forgotten; a successor is named once."""

    dependencies: ClassVar[list[Any]] = [("privacy", "0007_requests")]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=onedoor.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("schema", models.CharField(max_length=20)),
                ("object", models.UUIDField()),
                ("number", models.IntegerField()),
                ("client", models.CharField(max_length=120)),
                ("moment", models.DateTimeField()),
                ("refers", models.CharField(blank=True, max_length=80)),
                ("plain", models.TextField(blank=True)),
                ("sealed", models.BinaryField(default=b"")),
                ("person", models.BinaryField(max_length=32, null=True)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("ended", models.BooleanField(default=False)),
                ("successor", models.UUIDField(null=True)),
                ("entry", models.UUIDField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("successor__isnull", True)),
                        fields=["schema", "client", "object"],
                        name="privacy_revision_newest",
                    ),
                    models.Index(
                        condition=models.Q(("person__isnull", False)),
                        fields=["person", "schema"],
                        name="privacy_revision_person",
                    ),
                    models.Index(
                        condition=models.Q(models.Q(("refers", ""), _negated=True), ("successor__isnull", True)),
                        fields=["refers"],
                        name="privacy_revision_refers",
                    ),
                    models.Index(
                        condition=models.Q(("entry__isnull", False)), fields=["entry"], name="privacy_revision_entry"
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("object", "number"), name="privacy_revision_number")],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
