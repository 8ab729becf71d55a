from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0004_draft_digest'),
    ]

    operations = [
        migrations.AddField(
            model_name='issuedresult',
            name='lasts_until',
            field=models.DateTimeField(db_index=True, null=True),
        ),
        migrations.AddField(
            model_name='result',
            name='lasts_until',
            field=models.DateTimeField(db_index=True, null=True),
        ),
    ]
