"""What was lawfully changed behind entries of the ledger, and who was erased; neither row ever changes."""

import django.contrib.postgres.fields
from django.db import migrations, models

import onedoor.kernel.ids

FIXED = """
CREATE TRIGGER store_ledger_fixed BEFORE UPDATE OR DELETE ON store_amendment
    FOR EACH ROW EXECUTE FUNCTION store_ledger_fixed();
CREATE TRIGGER store_ledger_fixed BEFORE UPDATE OR DELETE ON store_erasure
    FOR EACH ROW EXECUTE FUNCTION store_ledger_fixed();
"""
LOOSE = """
DROP TRIGGER store_ledger_fixed ON store_amendment;
DROP TRIGGER store_ledger_fixed ON store_erasure;
"""


class Migration(migrations.Migration):

    dependencies = [("store", "0003_lost_details")]
    operations = [
        migrations.CreateModel(
            name="Amendment",
            fields=[
                ("id", models.UUIDField(default=onedoor.kernel.ids.uuid7, primary_key=True, serialize=False)),
                ("amended", models.UUIDField(db_index=True)),
                ("digest", models.BinaryField(max_length=32)),
                ("why", models.CharField(max_length=20)),
                ("mark", models.BinaryField(max_length=32)),
                ("entry", models.UUIDField()),
            ],
            options={"db_table": "store_amendment"},
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.UUIDField(default=onedoor.kernel.ids.uuid7, primary_key=True, serialize=False)),
                ("keys", django.contrib.postgres.fields.ArrayField(
                    base_field=models.BinaryField(max_length=16), size=None)),
                ("request", models.CharField(max_length=80)),
                ("erased_at", models.DateTimeField()),
                ("complete_on", models.DateField()),
                ("entry", models.UUIDField()),
            ],
            options={"db_table": "store_erasure"},
        ),
        migrations.RunSQL(FIXED, LOOSE),
    ]
