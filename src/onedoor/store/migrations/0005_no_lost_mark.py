"""That details were lost with a restore is an amendment, which a superuser cannot write: no column says so."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("store", "0004_erasure")]
    operations = [migrations.RemoveField("ledgerentry", "lost")]
