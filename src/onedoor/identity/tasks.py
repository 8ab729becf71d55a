"""Jobs of the room."""

from onedoor.store.jobs import periodic


@periodic("41 * * * *", "identity.forget_sessions")
def forget_sessions() -> None:
    """Delete the sessions that have ended."""
    from onedoor.identity.sessions import SessionStore

    SessionStore.clear_expired()
