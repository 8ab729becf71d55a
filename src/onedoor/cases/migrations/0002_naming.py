import onedoor.kernel.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("cases", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Naming",
            fields=[
                ("id", models.UUIDField(default=onedoor.kernel.ids.uuid7, primary_key=True, serialize=False)),
                ("by", models.TextField(db_index=True)),
                ("moment", models.DateTimeField()),
            ],
            options={"db_table": "cases_naming"},
        ),
    ]
