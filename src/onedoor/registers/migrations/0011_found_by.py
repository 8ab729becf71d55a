"""By which look-ups every record of a register is found."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Nothing is known of a database of before: the next ``onedoor migrate`` makes what terms its records lack."""

    dependencies: ClassVar[list[Any]] = [("registers", "0010_correction_overdue")]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            "FoundBy",
            [
                ("register", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("lookups", models.JSONField()),
            ],
        )
    ]
