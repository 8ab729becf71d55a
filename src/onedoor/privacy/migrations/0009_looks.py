"""The looks of a person at their own records stand apart in the key's index: they may be many."""

from django.db import migrations, models

FILLED = """
ALTER TABLE privacy_readperson ADD COLUMN looked_by varchar(120) NOT NULL DEFAULT '';
UPDATE privacy_readperson AS about SET looked_by = record."user" FROM privacy_readrecord AS record
    WHERE record.id = about.record_id AND record.register = 'own-reads' AND record.refused = '';
ALTER TABLE privacy_readperson DROP CONSTRAINT privacy_readperson_pkey;
ALTER TABLE privacy_readperson ADD PRIMARY KEY (person, looked_by, record_id);
"""
EMPTIED = """
ALTER TABLE privacy_readperson DROP CONSTRAINT privacy_readperson_pkey;
ALTER TABLE privacy_readperson ADD PRIMARY KEY (person, record_id);
ALTER TABLE privacy_readperson DROP COLUMN looked_by;
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0008_consent_objects")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(FILLED, EMPTIED)],
            [
                migrations.AddField(
                    "readperson", "looked_by", models.CharField(db_default="", default="", max_length=120)
                ),
                migrations.AlterField(
                    "readperson", "pk", models.CompositePrimaryKey("person", "looked_by", "record", blank=True, editable=False, primary_key=True, serialize=False)
                ),
            ],
        )
    ]
