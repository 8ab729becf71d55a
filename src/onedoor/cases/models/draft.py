"""A person's draft: answers and fetched facts, sealed under the applicant's key."""

from typing import Any

from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store import sealed
from onedoor.store.fields import SealedField

TABLE = "cases_draft"


class Draft(models.Model):
    """One service begun by one person; at most one is open for each service.

    ``code`` is the case's from the start: the registers record under it what they are asked for the draft.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    code = models.TextField(unique=True)
    account = models.TextField()
    service = models.TextField()
    version = models.TextField()
    digest = models.CharField(max_length=64, blank=True, default="")
    body = SealedField()
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    submitted_as = models.TextField(blank=True, default="")

    class Meta:
        """One open draft of a service for a person."""

        db_table = TABLE
        constraints = (
            models.UniqueConstraint(
                fields=["account", "service"], condition=models.Q(submitted_as=""), name="cases_one_open_draft"
            ),
        )

    def __str__(self) -> str:
        return f"{self.service} {self.id}"

    @property
    def place(self) -> sealed.Place:
        """Return where the envelope stands."""
        return sealed.Place(TABLE, "body", str(self.id))

    def read(self) -> dict[str, Any]:
        """Return answers, facts and failures."""
        body: dict[str, Any] = sealed.unseal(bytes(self.body), place=self.place)
        return body

    def write(self, body: dict[str, Any]) -> None:
        """Seal *body* under the applicant's key; the caller saves."""
        self.body = sealed.seal(body, subject=self.account, place=self.place)
