"""Of an issued result all that is kept is entered into the ledger: from now on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_lasts_until")]
    operations = [
        migrations.AddField("issuedresult", "form", models.SmallIntegerField(default=2, db_default=1)),
    ]
