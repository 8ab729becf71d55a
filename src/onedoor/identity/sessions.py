"""Sessions in the database, as Django's; each says in a column whose it is, so that one statement tells who acts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from onedoor.identity.models import Account, Session
from onedoor.store.rows import Rows, Statement, fetch_first

ACCOUNT = "account"
OWNER = Rows(Account, "id = (SELECT account FROM identity_session WHERE session_key = %s AND expire_date > %s)")
BESIDE: dict[str, tuple[str, tuple[Callable[[], object], ...]]] = {}
"""What other rooms ask of whoever acts, in the same round trip, by name: a scalar SQL expression, and its values."""


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


def owner(key: str | None, ahead: Statement | None = None) -> Owner | None:
    """Return whose live session *key* is; a cookie may hold anything, a key is letters and digits.

    What the statement *ahead* finds comes in the same round trip, for who asks just that next.
    """
    if not (key and key.isalnum()):
        return None
    now = timezone.now()  # the time as Django, which sets the end by it
    values = [value() for _, kept in BESIDE.values() for value in kept]
    asked = _statement(tuple(expression for expression, _ in BESIDE.values()))
    width = len(OWNER.columns)
    found = fetch_first((asked, (*values, key, now)), width + len(BESIDE), ahead)
    if not found:
        return None
    return Owner(OWNER.row(found[0][:width]), dict(zip(BESIDE, found[0][width:], strict=True)))


@lru_cache
def _statement(beside: tuple[str, ...]) -> str:
    return OWNER.statement(beside)
