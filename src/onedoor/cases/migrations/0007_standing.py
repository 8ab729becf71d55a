"""A transition and an act say where their dossier or task stood: from now on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_issued_form")]
    operations = [
        migrations.AddField(
            name, "stands", models.CharField(max_length=64, blank=True, default="", db_default="")
        )
        for name in ("transition", "act")
    ]
