"""Marks the entries of which a restore brought back the commitment alone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("store", "0002_failed_jobs")]
    operations = [
        migrations.AddField("ledgerentry", "lost", models.BooleanField(default=False, db_default=False)),
    ]
