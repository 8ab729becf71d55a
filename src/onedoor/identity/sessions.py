"""Sessions in the database, as Django's; each says in a column whose it is, so that one statement tells who acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from onedoor.identity.models import Account, Session
from onedoor.store.rows import Rows, fetch

ACCOUNT = "account"
OWNER = Rows(Account, "id = (SELECT account FROM identity_session WHERE session_key = %s AND expire_date > %s)")
BESIDE: dict[str, str] = {}
"""What other rooms want to know of whoever acts, in the same round trip: a name, and a scalar SQL expression."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a live session is, and what was asked beside it."""

    account: Account
    beside: Mapping[str, Any] = field(default_factory=dict)


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


def owner(key: str | None) -> Owner | None:
    """Return whose live session *key* is; a cookie may hold anything, a key is letters and digits."""
    if not (key and key.isalnum()):
        return None
    now = timezone.now()  # the time as Django, which sets the end by it
    found = fetch(OWNER.statement(BESIDE.values()), (key, now))
    if not found:
        return None
    width = len(OWNER.columns)
    return Owner(OWNER.row(found[0][:width]), dict(zip(BESIDE, found[0][width:], strict=True)))
