"""Each step of a request covers all of the request as it left it: from now on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0011_revision_form")]
    operations = [
        migrations.AddField("requeststep", "form", models.SmallIntegerField(default=2, db_default=1)),
        migrations.AddField("requeststep", "stands", models.CharField(blank=True, max_length=64, db_default="")),
        migrations.AddField("requeststep", "said", models.CharField(blank=True, max_length=64, db_default="")),
    ]
