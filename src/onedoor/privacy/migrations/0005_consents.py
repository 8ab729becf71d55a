from django.db import migrations, models

import onedoor.kernel.ids


class Migration(migrations.Migration):
    dependencies = [("privacy", "0004_erased")]
    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=onedoor.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("person", models.BinaryField(max_length=32, null=True)),
                ("purpose", models.CharField(max_length=80)),
                ("version", models.IntegerField()),
                ("given", models.BooleanField()),
                ("said", models.CharField(max_length=64)),
                ("by", models.CharField(max_length=120)),
                ("moment", models.DateTimeField()),
                ("salt", models.CharField(max_length=64)),
                ("entry", models.UUIDField()),
            ],
            options={
                "indexes": [models.Index(fields=["person", "purpose", "id"], name="privacy_consent_newest")],
            },
        ),
    ]
