from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0003_by_record")]
    operations = [
        migrations.AddField("readrecord", "erased", models.JSONField(db_default={}, default=dict)),
    ]
