"""Persons of sealed reads are taken down on the day these are shown: from the day of each decision on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0009_looks")]
    operations = [
        migrations.AddField("breachtelling", "looked_on", models.DateField(null=True)),
        migrations.RunSQL("UPDATE privacy_breachtelling SET looked_on = moment::date", migrations.RunSQL.noop),
        migrations.AlterField("breachtelling", "looked_on", models.DateField()),
    ]
