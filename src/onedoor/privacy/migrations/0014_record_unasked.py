"""A person of a record is written by the statement that writes the record: nothing looks for it again."""

from django.db import migrations, models
from django.db.models.deletion import PROTECT


class Migration(migrations.Migration):
    dependencies = [("privacy", "0013_kept_in_claims")]
    operations = [
        migrations.AlterField(
            "readperson",
            "record",
            models.ForeignKey(
                "privacy.readrecord", PROTECT, related_name="persons", db_index=False, db_constraint=False
            ),
        ),
    ]
