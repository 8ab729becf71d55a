"""Sessions in the database, as Django's; each says in a column whose it is, so that one statement tells who acts."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from onedoor.identity.models import Account, Session
from onedoor.store.rows import Rows

ACCOUNT = "account"
OWNER = Rows(Account, "id = (SELECT account FROM identity_session WHERE session_key = %s AND expire_date > %s)")


class SessionStore(db.SessionStore):
    """Django's store of sessions; only the model differs, and what it keeps of the data."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the model that sessions are kept in."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """Return the row of a session with *data*."""
        row = super().create_model_instance(data)
        setattr(row, ACCOUNT, data.get(ACCOUNT))
        return row


def owner(key: str | None) -> Account | None:
    """Return whose live session *key* is; a cookie may hold anything, a key is letters and digits."""
    return (
        OWNER.first(key, timezone.now()) if key and key.isalnum() else None
    )  # the time as Django, which sets the end by it
