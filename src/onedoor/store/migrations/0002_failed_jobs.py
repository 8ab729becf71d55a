"""An index of the jobs that failed: who watches counts them every few seconds, however many have succeeded."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("store", "0001_initial"), ("procrastinate", "0041_post_retry_failed_job")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX store_jobs_failed ON procrastinate_jobs (id) WHERE status = 'failed'",
            "DROP INDEX store_jobs_failed",
        ),
    ]
