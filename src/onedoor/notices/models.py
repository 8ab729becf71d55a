"""Notices in a person's inbox, their words' facts sealed."""

from typing import Any

from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store.fields import SealedField
from onedoor.store.sealed import Place, seal, unseal


class Notice(models.Model):
    """One thing a person was told; ``text`` is the English sentence and gettext key, its facts are sealed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.TextField()
    key = models.TextField()
    text = models.TextField()
    sealed = SealedField()
    link = models.TextField(blank=True)
    told = models.DateTimeField()
    read = models.DateTimeField(null=True)

    class Meta:
        """A key is told once; the inbox is read newest first."""

        db_table = "notices_notice"
        constraints = (models.UniqueConstraint(fields=["account", "key"], name="notices_told_once"),)
        indexes = (
            models.Index(fields=["account", "-told"], name="notices_inbox"),
            models.Index(fields=["account"], condition=models.Q(read=None), name="notices_unread"),
        )

    def __str__(self) -> str:
        return str(self.id)

    def keep(self, facts: dict[str, Any]) -> None:
        """Seal the facts under the key of the person told."""
        self.sealed = seal(facts, subject=self.account, place=self._place)

    def facts(self) -> dict[str, Any]:
        """Return the facts, unsealed."""
        found: dict[str, Any] = unseal(bytes(self.sealed), place=self._place)
        return found

    @property
    def _place(self) -> Place:
        return Place("notices_notice", "sealed", str(self.id))
