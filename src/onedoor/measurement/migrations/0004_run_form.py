"""Of a run all that is kept is entered into the ledger: from now on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("measurement", "0003_assessments")]
    operations = [
        migrations.AddField("run", "form", models.SmallIntegerField(default=2, db_default=1)),
    ]
