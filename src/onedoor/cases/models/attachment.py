"""A file that came with an answer or a supplement, sealed like the answers."""

from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store import sealed
from onedoor.store.fields import SealedField


class Attachment(models.Model):
    """One file of a draft (then of its dossier); ``field`` is the question, or a name given to a supplement's file."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    holder = models.UUIDField(db_index=True)
    field = models.TextField()
    name = SealedField()
    size = models.PositiveIntegerField()
    sha256 = models.TextField()
    content = SealedField()

    class Meta:
        """One file for a question."""

        db_table = "cases_attachment"
        constraints = (models.UniqueConstraint(fields=["holder", "field"], name="cases_one_attachment"),)

    def __str__(self) -> str:
        return self.field

    def place(self, column: str) -> sealed.Place:
        """Return where the envelope of *column* stands."""
        return sealed.Place("cases_attachment", column, str(self.id))

    def write(self, name: str, content: bytes, *, subject: str) -> None:
        """Seal name and content under the key of *subject*; the caller saves."""
        self.name = sealed.seal(name, subject=subject, place=self.place("name"))
        self.content = sealed.seal_bytes(content, subject=subject, place=self.place("content"))

    def title(self) -> str:
        """Return the file's name."""
        return str(sealed.unseal(bytes(self.name), place=self.place("name")))

    def read(self) -> bytes:
        """Return the file."""
        return sealed.unseal_bytes(bytes(self.content), place=self.place("content"))
