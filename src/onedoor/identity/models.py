"""Accounts: who may sign in, with their name and personal number sealed."""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from onedoor.kernel.ids import uuid7
from onedoor.store.fields import BlindField, SealedField
from onedoor.store.sealed import Place, seal, unseal


class Account(models.Model):
    """A person or an officer as this process knows them; ``sealed`` holds the name and the personal number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    persona = models.TextField(unique=True)
    number_mark = BlindField(null=True, unique=True)
    agency = models.TextField(blank=True)
    post = models.TextField(blank=True)
    sealed = SealedField()
    created = models.DateTimeField()

    class Meta:
        """An account stays in its own table, without keys to other rooms."""

        db_table = "identity_account"

    _who: dict[str, Any] | None = None

    def __str__(self) -> str:
        return str(self.id)

    def keep(self, *, name: str, number: str) -> None:
        """Seal the name and the number under the account's own key."""
        self.sealed = seal({"name": name, "number": number}, subject=str(self.id), place=self._place)
        self._who = None

    def who(self) -> dict[str, Any]:
        """Return the name and the number, unsealed once as long as this row is held."""
        if self._who is None:
            self._who = unseal(bytes(self.sealed), place=self._place)
        return self._who

    @property
    def _place(self) -> Place:
        return Place("identity_account", "sealed", str(self.id))


class Session(AbstractBaseSession):
    """A browser's session and the account that signed in with it."""

    account = models.UUIDField(null=True)

    class Meta(AbstractBaseSession.Meta):
        """In the room's own table."""

        db_table = "identity_session"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Return the store that reads and writes these rows."""
        from onedoor.identity.sessions import SessionStore

        return SessionStore
