"""An erasure is found by the keys it destroyed and by what asked for it, however many there were before."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("store", "0005_no_lost_mark")]
    operations = [
        migrations.AddIndex(
            "erasure", django.contrib.postgres.indexes.GinIndex(fields=["keys"], name="store_erasure_keys")
        ),
        migrations.AddIndex(
            "erasure",
            models.Index(fields=["request"], name="store_erasure_request", condition=models.Q(request="", _negated=True)),
        ),
    ]
