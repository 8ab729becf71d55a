import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("cases", "0002_naming")]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("record", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                (
                    "dossier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="claims", to="cases.dossier"
                    ),
                ),
            ],
            options={"db_table": "cases_claim"},
        ),
    ]
