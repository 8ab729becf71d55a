"""Sessions in the database, as Django's, read by a statement kept ready."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from onedoor.store.rows import Rows

LIVE = Rows(Session, "session_key = %s AND expire_date > %s")


class SessionStore(db.SessionStore):
    """Django's store of sessions; only the reading differs."""

    def _get_session_from_db(self) -> Session | None:
        found = LIVE.first(self.session_key, timezone.now())  # as Django, which sets the end by it
        if found is None:
            self._session_key = None
        return found
