"""Of what the consent API keeps every revision is entered into the ledger, with whom it is about: from now on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0010_looked_on")]
    operations = [
        migrations.AddField("revision", "form", models.SmallIntegerField(default=2, db_default=1)),
    ]
