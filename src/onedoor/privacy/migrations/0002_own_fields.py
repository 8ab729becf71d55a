"""Each person's own fields of a record, how it is written for the ledger, and until when it is sealed."""

import django.contrib.postgres.fields
import django.db.models.deletion
import onedoor.kernel.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("privacy", "0001_initial")]
    operations = [
        migrations.AddField("readrecord", "form", models.SmallIntegerField(db_default=1, default=2)),
        migrations.AddField("readrecord", "hidden_until", models.DateField(null=True)),
        migrations.AddField(
            "readperson",
            "fields",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), null=True, size=None
            ),
        ),
        migrations.AddIndex(
            "readrecord",
            models.Index(
                condition=models.Q(("hidden_until__isnull", False)), fields=["moment"], name="privacy_read_sealed"
            ),
        ),
        migrations.CreateModel(
            name="Postponement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=onedoor.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("moment", models.DateTimeField()),
                ("by", models.CharField(max_length=120)),
                ("basis", models.CharField(max_length=80)),
                ("until", models.DateField()),
                ("salt", models.BinaryField(max_length=32)),
                ("entry", models.UUIDField()),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postponements",
                        to="privacy.readrecord",
                    ),
                ),
            ],
        ),
    ]
