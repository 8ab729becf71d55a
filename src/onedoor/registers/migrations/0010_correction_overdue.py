"""When it was noted, once, that a request for a correction was past its limit."""

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Open requests that are late already are noted at the next look."""

    dependencies: ClassVar[list[Any]] = [("registers", "0009_resealed")]
    operations: ClassVar[list[Any]] = [migrations.AddField("correction", "overdue", models.DateTimeField(null=True))]
