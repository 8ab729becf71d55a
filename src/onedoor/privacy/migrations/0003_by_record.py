"""The persons of a record are found by a hash: an index in order would tempt the planner to walk everybody's reads."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("privacy", "0002_own_fields")]
    operations = [
        migrations.AlterField(
            "readperson",
            "record",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="persons",
                to="privacy.readrecord",
            ),
        ),
        migrations.AddIndex(
            "readperson",
            django.contrib.postgres.indexes.HashIndex(fields=["record"], name="privacy_person_record"),
        ),
    ]
