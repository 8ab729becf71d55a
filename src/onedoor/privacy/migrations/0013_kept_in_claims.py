"""Records are entered in the third form: a person's claim says whether their number is kept. Nothing stored changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0012_request_stands")]
    operations = [
        migrations.AlterField("readrecord", "form", models.SmallIntegerField(default=3, db_default=1)),
    ]
