"""Files that came over the exchange with a step, in parts that fit into a message."""

from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store import sealed
from onedoor.store.fields import SealedField


class FilePart(models.Model):
    """One part of a file that belongs to a step at this authority, sealed under the applicant's key."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    case = models.TextField()
    step = models.TextField()
    round = models.PositiveSmallIntegerField()
    field = models.TextField()
    number = models.PositiveSmallIntegerField()
    content = SealedField()

    class Meta:
        """A part that came twice is one."""

        db_table = "cases_file_part"
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["case", "step", "round", "field", "number"], name="cases_one_part"),
        )

    def __str__(self) -> str:
        return f"{self.case} {self.field} {self.number}"

    @property
    def place(self) -> sealed.Place:
        """Return where the envelope stands."""
        return sealed.Place("cases_file_part", "content", str(self.id))

    def read(self) -> bytes:
        """Return this part."""
        return sealed.unseal_bytes(bytes(self.content), place=self.place)
