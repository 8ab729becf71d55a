"""What somebody tried and was refused, kept with its ledger entry."""

from django.db import models

from onedoor.kernel.ids import uuid7


class Attempt(models.Model):
    """A refused or false thing: another person's dossier, another agency's task, a forged or altered result."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    kind = models.TextField()
    what = models.TextField()
    by = models.TextField(blank=True)
    moment = models.DateTimeField()
    entry = models.TextField()

    class Meta:
        """In order of time."""

        db_table = "cases_attempt"
        ordering = ("moment", "id")

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"
