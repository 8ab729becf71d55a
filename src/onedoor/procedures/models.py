"""The versions of services that cases here began with."""

from django.db import models

from onedoor.kernel.ids import uuid7


class ServiceVersion(models.Model):
    """A definition as it was when a case began with it; never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.TextField()
    version = models.TextField()
    digest = models.CharField(max_length=64, unique=True)
    definition = models.TextField()
    """JSON as text: ``jsonb`` would forget the order of pages, questions and steps."""
    nation = models.CharField(max_length=64, blank=True, default="")
    """The version of the nation whose files hold its layouts; empty where the nation keeps no versions."""
    pinned_at = models.DateTimeField()

    class Meta:
        """Found by service and version, the latest first."""

        db_table = "procedures_service_version"
        ordering = ("-pinned_at", "-id")
        indexes = (models.Index(fields=["service", "version"], name="procedures_version"),)

    def __str__(self) -> str:
        return f"{self.service} {self.version} {self.digest[:12]}"
